"""The one way in which a return changes: the order locked, then the return; the row, the event and the notice."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound
from domain.notifications import NoticeKind
from domain.orders import RETURN_MOVES, ReturnStatus
from models.orders import Order
from models.returns import Return
from services import notices
from services.orders.moving import note_event

_NOTICES = {
    ReturnStatus.APPROVED: NoticeKind.RETURN_APPROVED,
    ReturnStatus.REJECTED: NoticeKind.RETURN_REJECTED,
    ReturnStatus.RECEIVED: NoticeKind.RETURN_RECEIVED,
    ReturnStatus.EXPIRED: NoticeKind.RETURN_EXPIRED,
}
"""Of the money the refund itself tells."""


async def find(session: AsyncSession, return_id: UUID) -> Return:
    """To be read only. Raises NotFound."""
    found = await session.get(Return, return_id)
    if found is None:
        raise NotFound("There is no such return.")
    return found


async def locked(session: AsyncSession, return_id: UUID) -> Return:
    """Raises NotFound."""
    order = select(col(Return.order_id)).where(col(Return.id) == return_id).scalar_subquery()
    await session.execute(select(col(Order.id)).where(col(Order.id) == order).with_for_update())
    statement = select(Return).where(col(Return.id) == return_id).with_for_update()
    found: Return | None = (
        await session.execute(statement.execution_options(populate_existing=True))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such return.")
    return found


async def move(
    session: AsyncSession,
    held: Return,
    to: ReturnStatus,
    *,
    by: str,
    note: str | None = None,
    kind: str | None = None,
    lasting: timedelta | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> bool:
    """Move a locked return; False when it stands at `to` already. `lasting` is how long it may stay there.

    `kind` is the order's event, where it is not called like the state.

    Raises NotAllowedInState when it is anywhere that does not lead to `to`.
    """
    status = ReturnStatus(held.status)
    if status is to:
        return False
    if to not in RETURN_MOVES[status]:
        raise NotAllowedInState(f"A return that is {status} cannot become {to}.", return_status=status.value)
    written = {
        "status": to,
        "version": Return.version + 1,
        "deadline_at": None if lasting is None else func.now() + lasting,
        "closed_at": None if RETURN_MOVES[to] else func.now(),
        "note": note or held.note,
    }
    moved = update(Return).where(col(Return.id) == held.id).values(**written, **changes)
    until = (await session.execute(moved.returning(col(Return.deadline_at)))).scalar_one()
    await note_event(session, held.order_id, kind=kind or f"return_{to}", by=by, note=note)
    if told := _NOTICES.get(to):
        await tell(session, held.order_id, held.id, told, until)
    return True


async def tell(
    session: AsyncSession,
    order_id: UUID,
    return_id: UUID,
    kind: NoticeKind,
    until: datetime | None,
    occasion: str = "",
) -> None:
    """Once per kind and `occasion`. `until` is when the state that is told of ends."""
    facts = {"return_id": str(return_id)} | ({"until": until.isoformat()} if until else {})
    await notices.tell(session, order_id, f"return:{return_id}{occasion}", kind, **facts)
