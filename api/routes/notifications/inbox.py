"""The caller's inbox. Titles and bodies are in the language of the caller's preferences."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import CallerDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.rendering import json_response
from api.schemas.common import Nothing, problems
from api.schemas.notifications import NotificationPage, NotificationView, ReadAll, ReadBody
from services import inbox
from services.customers import profile
from services.idempotency import once
from services.words import Speech

router = APIRouter(responses=problems(s403="A machine has no inbox."))


@router.get("", operation_id="list_notifications", summary="What the caller was told, the newest first")
async def list_notifications(
    caller: CallerDep,
    resources: ResourcesDep,
    page: PageDep,
    unread: Annotated[bool | None, Query(description="Only those that were not read yet, or only the others.")] = None,
) -> NotificationPage:
    async with resources.database.reading() as session:
        rows = await inbox.page(session, caller.id, page.limit + 1, page.after, is_unread=unread)
        standing = await inbox.standing(session, caller.id)
    shown, following = cut(rows, page, lambda row: (row.notification.created_at, row.notification.id))
    speech = Speech.of(standing.language)
    items = [NotificationView.of(row, speech) for row in shown]
    return NotificationPage(items=items, unread=standing.unread, next_cursor=following)


@router.patch(
    "/{notification_id}/read",
    operation_id="read_notification",
    summary="Mark a notification as read, or as unread again",
    response_model=NotificationView,
    responses=problems(s404="There is no such notification of the caller's."),
)
async def read_notification(
    notification_id: UUID, caller: CallerDep, session: SessionDep, body: ReadBody | None = None
) -> Response:
    """Twice does no harm: `read_at` stays the first time."""
    as_read = body is None or body.read
    marked = await inbox.mark(session, caller.id, notification_id, as_read=as_read)
    speech = Speech.of((await profile.preferences(session, caller.id)).language)
    return json_response(NotificationView.of(marked, speech), is_tagged=True)


@router.post("/read-all", operation_id="read_all_notifications", summary="Mark everything as read")
async def read_all(
    caller: CallerDep, session: SessionDep, keyed: KeyedDep, request: Request, body: Nothing | None = None
) -> ReadAll:
    """Sent again with its key it marks nothing that came since."""
    made = await once(session, keyed, lambda: inbox.mark_all(session, caller.id))
    if made.was_replayed:
        mark_replayed(request)
    return ReadAll(read=int(made.resource))
