"""Holding an order's stock for longer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound
from domain.orders import PENDING, ReservationStatus
from models.inventory import Reservation
from models.orders import Order
from services.orders import moving


async def extend_hold(session: AsyncSession, order_id: UUID, ends_at: datetime, by: str, note: str | None) -> None:
    """Let order and reservations be held until `ends_at`. Repeating it, or an earlier end, changes nothing.

    Raises NotFound, and NotAllowedInState when the order is no longer pending.
    """
    held = select(col(Order.status), col(Order.hold_expires_at)).where(col(Order.id) == order_id).with_for_update()
    order = (await session.execute(held)).one_or_none()
    if order is None:
        raise NotFound
    if order.hold_expires_at >= ends_at:
        return
    if order.status not in PENDING:
        raise NotAllowedInState(f"An order that is {order.status} holds nothing.", order_status=order.status)
    await moving.note_event(session, order_id, kind="hold_extended", by=by, note=note, hold_expires_at=ends_at)
    await session.execute(
        update(Reservation)
        .where(col(Reservation.order_id) == order_id, col(Reservation.status) == ReservationStatus.HELD)
        .values(expires_at=ends_at)
    )
