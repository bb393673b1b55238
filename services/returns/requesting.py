"""Opening a return: by the customer or staff after the delivery, by a cancellation for what was on its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound
from domain.notifications import NoticeKind
from domain.orders import OrderStatus, ReturnStatus
from models.orders import Order, OrderEvent
from models.returns import Return, ReturnCause, ReturnLine
from services.orders.moving import note_event
from services.orders.reading import Viewer
from services.returns import counting
from services.returns.moving import tell

NOTE_LIMIT = 500


@dataclass(frozen=True)
class ReturnWish:
    """Units by SKU, and why they come back."""

    lines: Mapping[str, int]
    reason: str


@dataclass(frozen=True)
class ReturnTerms:
    """How long after the delivery a return may be asked for, and how long staff have to decide about it."""

    window: timedelta
    decision: timedelta


async def request(session: AsyncSession, order_id: UUID, viewer: Viewer, wish: ReturnWish, terms: ReturnTerms) -> UUID:
    """The return's id. The customer and staff are told. Of a cancelled order staff open one that is approved already.

    Raises NotFound, OverReturn, and NotAllowedInState where the order was not delivered, or too long ago.
    """
    order = await _locked(session, order_id)
    if not (viewer.is_staff or order.user_id == viewer.user_id):
        raise NotFound("There is no such order.")
    if order.status == OrderStatus.CANCELLED and viewer.is_staff:
        return await _open_approved(session, order, wish, str(viewer.user_id))
    if order.status != OrderStatus.DELIVERED:
        raise NotAllowedInState(f"Nothing of an order that is {order.status} comes back.", order_status=order.status)
    await _require_in_time(session, order_id, terms.window)
    left = await counting.of_delivered(session, order_id)
    counting.require_left(wish.lines, left)
    amounts = {sku: left[sku].share(units) for sku, units in wish.lines.items()}
    asked = await _write(
        session, order, wish, str(viewer.user_id), amounts,
        cause=ReturnCause.CUSTOMER, status=ReturnStatus.REQUESTED, deadline_at=func.now() + terms.decision,
    )  # fmt: skip
    for kind in (NoticeKind.RETURN_REQUESTED, NoticeKind.RETURN_WAITING):
        await tell(session, order_id, asked.id, kind, asked.deadline_at)
    return asked.id


async def open_undelivered(session: AsyncSession, order_id: UUID, by: str) -> UUID | None:
    """A return, approved already, of what was shipped of an order that is being cancelled: its money is dealt with.

    None where nothing was shipped. Repeating it finds the one that there is. Raises NotFound.
    """
    order = await _locked(session, order_id)
    opened = select(col(Return.id)).where(col(Return.order_id) == order_id).order_by(col(Return.created_at)).limit(1)
    known: UUID | None = (await session.execute(opened)).scalar_one_or_none()
    if known is not None:
        return known
    shipped = await counting.of_undelivered(session, order_id)
    if not shipped:
        return None
    return await _open_approved(session, order, ReturnWish({sku: it.units for sku, it in shipped.items()}, ""), by)


async def _open_approved(session: AsyncSession, order: Order, wish: ReturnWish, by: str) -> UUID:
    """Its deadline begins when its workflow takes it up. Raises OverReturn."""
    counting.require_left(wish.lines, await counting.of_undelivered(session, order.id))
    opened = await _write(
        session, order, wish, by, dict.fromkeys(wish.lines, 0),
        cause=ReturnCause.UNDELIVERED, status=ReturnStatus.APPROVED, decided_at=func.now(),
    )  # fmt: skip
    return opened.id


async def _locked(session: AsyncSession, order_id: UUID) -> Order:
    statement = select(Order).where(col(Order.id) == order_id).with_for_update()
    order: Order | None = (
        await session.execute(statement.execution_options(populate_existing=True))
    ).scalar_one_or_none()
    if order is None:
        raise NotFound("There is no such order.")
    return order


async def _require_in_time(session: AsyncSession, order_id: UUID, window: timedelta) -> None:
    """Raises NotAllowedInState with the moment `until` which it could be asked for."""
    until = func.max(col(OrderEvent.at)) + window
    delivered = select(until, until < func.now()).where(
        col(OrderEvent.order_id) == order_id,
        col(OrderEvent.to_status) == OrderStatus.DELIVERED,
        col(OrderEvent.from_status) != OrderStatus.DELIVERED,
    )
    ended, is_over = (await session.execute(delivered)).one()
    if is_over:
        raise NotAllowedInState(
            f"Returns of this order could be asked for until {ended:%Y-%m-%d}.",
            order_status=OrderStatus.DELIVERED.value,
            until=ended.isoformat(),
        )


async def _write(
    session: AsyncSession, order: Order, wish: ReturnWish, by: str, amounts: Mapping[str, int], **state: Any
) -> Return:
    row = {
        "order_id": order.id, "user_id": order.user_id, "reason": wish.reason, "requested_by": by,
        "currency": order.currency, "refund_amount": sum(amounts.values()), **state,
    }  # fmt: skip
    written: Return = (await session.execute(insert(Return).values(**row).returning(Return))).scalar_one()
    lines = [
        {"return_id": written.id, "sku": sku, "quantity": units, "amount": amounts[sku]}
        for sku, units in sorted(wish.lines.items())
    ]
    await session.execute(insert(ReturnLine), lines)
    kind = "return_requested" if state["status"] == ReturnStatus.REQUESTED else "return_opened"
    units = ", ".join(f"{line['quantity']} × {line['sku']}" for line in lines)
    await note_event(session, order.id, kind=kind, by=by, note=units[:NOTE_LIMIT])
    return written
