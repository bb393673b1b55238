"""The audit log, as admins read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api.schemas.common import Page
from models.audit import AuditEntry


class AuditView(BaseModel):
    """`actor_id` is null for somebody at the command line; `address` is where the request came from."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    action: str
    subject: str
    subject_id: str
    address: str | None
    request_id: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        return cls.model_validate(entry, from_attributes=True)


class AuditPage(Page):
    items: list[AuditView]
