"""Notifications as their owner reads them, in the language of the owner's preferences."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StrictBool

from api.schemas.common import Body, Page
from domain.notifications import NoticeKind
from services.inbox import Told
from services.words import Speech


class NotificationView(BaseModel):
    """`title` and `body` are for people, `kind` and `facts` for programs: amounts in minor units, times in UTC."""

    id: UUID
    kind: NoticeKind
    title: str
    body: str
    order_id: UUID | None
    order_number: str | None
    facts: dict[str, Any]
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, told: Told, speech: Speech) -> "NotificationView":
        notification = told.notification
        said = speech.notice(NoticeKind(notification.kind), notification.facts, told.order_number)
        return cls(
            id=notification.id,
            kind=NoticeKind(notification.kind),
            title=said.title,
            body=" ".join(said.text),
            order_id=notification.order_id,
            order_number=told.order_number,
            facts=notification.facts,
            created_at=notification.created_at,
            read_at=notification.read_at,
        )


class NotificationPage(Page):
    """`unread` counts all of them, not only those of this page."""

    items: list[NotificationView]
    unread: int


class ReadBody(Body):
    """`{}` or no body at all will do; `read: false` makes it unread again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"read": True}]})

    read: StrictBool = True


class ReadAll(BaseModel):
    """How many were unread until now."""

    read: int
