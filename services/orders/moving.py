"""The one way in which an order changes: a conditional move, and the event that tells of it."""

from collections.abc import Mapping, Set
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound
from domain.notifications import NOTICE_OF_EVENT
from domain.orders import OrderStatus, require_move
from models.orders import Order, OrderEvent
from services import notices


async def move(
    session: AsyncSession,
    order_id: UUID,
    start: Set[OrderStatus],
    to: OrderStatus,
    *,
    kind: str,
    by: str,
    note: str | None = None,
    facts: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """Move the order from one of `start` to `to` and write the event; False when it stands at `to` already.

    `facts` are told with it where the event is told. Raises NotFound, and NotAllowedInState when the order is anywhere
    else.
    """
    status, version = await _locked(session, order_id)
    if status is to:
        return False
    if status not in start:
        raise NotAllowedInState(f"An order that is {status} cannot become {to}.", order_status=status.value)
    require_move(status, to)
    await _write(session, order_id, version + 1, status, to, kind=kind, by=by, note=note, changes=changes, facts=facts)
    return True


async def note_once(session: AsyncSession, order_id: UUID, *, kind: str, by: str, note: str | None = None) -> bool:
    """Add an event that moves nothing, once per `kind`; False when it is there already."""
    status, version = await _locked(session, order_id)
    noted = select(col(OrderEvent.seq)).where(col(OrderEvent.order_id) == order_id, col(OrderEvent.kind) == kind)
    if (await session.execute(noted.limit(1))).scalar_one_or_none() is not None:
        return False
    await _write(session, order_id, version + 1, status, status, kind=kind, by=by, note=note, changes={})
    return True


async def note_event(
    session: AsyncSession, order_id: UUID, *, kind: str, by: str, note: str | None = None,
    facts: Mapping[str, Any] | None = None, **changes: Any,
) -> None:  # fmt: skip
    """Add an event that moves nothing, each time: for what its caller knows to happen once. Raises NotFound."""
    status, version = await _locked(session, order_id)
    await _write(
        session, order_id, version + 1, status, status, kind=kind, by=by, note=note, changes=changes, facts=facts
    )


async def _locked(session: AsyncSession, order_id: UUID) -> tuple[OrderStatus, int]:
    """The order's status and version. Raises NotFound."""
    locked = select(col(Order.status), col(Order.version)).where(col(Order.id) == order_id).with_for_update()
    row = (await session.execute(locked)).one_or_none()
    if row is None:
        raise NotFound
    return OrderStatus(row.status), row.version


async def _write(
    session: AsyncSession,
    order_id: UUID,
    version: int,
    start: OrderStatus,
    to: OrderStatus,
    *,
    kind: str,
    by: str,
    note: str | None,
    changes: dict[str, Any],
    facts: Mapping[str, Any] | None = None,
) -> None:
    await session.execute(update(Order).where(col(Order.id) == order_id).values(status=to, version=version, **changes))
    await session.execute(
        insert(OrderEvent).values(
            order_id=order_id, seq=version, kind=kind, from_status=start, to_status=to, actor=by, note=note
        )
    )
    if told := NOTICE_OF_EVENT.get(kind):
        await notices.tell(session, order_id, version, told, **(facts or {}))
