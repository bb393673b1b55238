"""Stock: hold and release, commit and its compensation. Each is safe to repeat and safe against its opposite.

An order's `reservation_status` is the gate: it is changed first, under the order's row lock, so that a hold
which arrives after its release finds the gate shut.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound, OutOfStock
from domain.orders import ReservationStatus
from models.inventory import Location, MovementKind, Reservation, Stock, StockMovement
from models.orders import Order, OrderLine

MAIN_LOCATION = "main"
_R = ReservationStatus


async def hold(session: AsyncSession, order_id: UUID) -> None:
    """Reserve every line of the order, or none. Repeating it changes nothing.

    Raises OutOfStock with the lines that are short, and NotAllowedInState when the hold was released before.
    """
    status = await _lock_gate(session, order_id)
    if status is _R.HELD:
        return
    if status is not _R.NONE:
        raise NotAllowedInState("The order's stock was released before it was held.", reservation_status=status.value)
    wanted = await _wanted(session, order_id)
    location_id = await main_location(session)
    await _require_available(session, wanted, location_id)
    await _shift(session, wanted, location_id, reserved=1)
    held_until = select(col(Order.hold_expires_at)).where(col(Order.id) == order_id).scalar_subquery()
    rows = [
        {"order_id": order_id, "sku": sku, "location_id": location_id, "quantity": quantity}
        for sku, quantity in wanted.items()
    ]
    await session.execute(insert(Reservation).values([row | {"expires_at": held_until} for row in rows]))
    await _set_gate(session, order_id, _R.HELD)


async def release(session: AsyncSession, order_id: UUID, *, expired: bool = False) -> None:
    """Undo a hold, or a sale by a compensating ledger row. Leaves the gate shut even when nothing was held."""
    status = await _lock_gate(session, order_id)
    if status in (_R.RELEASED, _R.EXPIRED):
        return
    end = _R.EXPIRED if expired and status is _R.HELD else _R.RELEASED
    await _set_gate(session, order_id, end)
    if status is _R.NONE:
        return
    reserved = await _reserved(session, order_id)
    location_id = reserved[0].location_id
    quantities = {row.sku: row.quantity for row in reserved}
    await _lock_stock(session, quantities, location_id)
    if status is _R.HELD:
        await _shift(session, quantities, location_id, reserved=-1)
    else:
        await _shift(session, quantities, location_id, on_hand=1)
        await _book(session, order_id, quantities, location_id, MovementKind.SALE_UNDONE, sign=1)
    await session.execute(update(Reservation).where(col(Reservation.order_id) == order_id).values(status=end))


async def commit(session: AsyncSession, order_id: UUID) -> None:
    """Turn the hold into a sale: on_hand and reserved both fall. Raises NotAllowedInState when nothing is held."""
    status = await _lock_gate(session, order_id)
    if status is _R.COMMITTED:
        return
    if status is not _R.HELD:
        raise NotAllowedInState("The order's stock is not held.", reservation_status=status.value)
    reserved = await _reserved(session, order_id)
    location_id = reserved[0].location_id
    quantities = {row.sku: row.quantity for row in reserved}
    await _lock_stock(session, quantities, location_id)
    await _shift(session, quantities, location_id, on_hand=-1, reserved=-1)
    await _book(session, order_id, quantities, location_id, MovementKind.SALE, sign=-1)
    await session.execute(update(Reservation).where(col(Reservation.order_id) == order_id).values(status=_R.COMMITTED))
    await _set_gate(session, order_id, _R.COMMITTED)


async def main_location(session: AsyncSession) -> UUID:
    """The one location that orders are served from."""
    statement = select(col(Location.id)).where(col(Location.code) == MAIN_LOCATION)
    location_id: UUID = (await session.execute(statement)).scalar_one()
    return location_id


async def _lock_gate(session: AsyncSession, order_id: UUID) -> ReservationStatus:
    locked = select(col(Order.reservation_status)).where(col(Order.id) == order_id).with_for_update()
    status = (await session.execute(locked)).scalar_one_or_none()
    if status is None:
        raise NotFound
    return ReservationStatus(status)


async def _set_gate(session: AsyncSession, order_id: UUID, status: ReservationStatus) -> None:
    await session.execute(update(Order).where(col(Order.id) == order_id).values(reservation_status=status))


async def _wanted(session: AsyncSession, order_id: UUID) -> dict[str, int]:
    statement = (
        select(col(OrderLine.sku), col(OrderLine.quantity))
        .where(col(OrderLine.order_id) == order_id)
        .order_by(col(OrderLine.sku))
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def _reserved(session: AsyncSession, order_id: UUID) -> list[Row[str, UUID, int]]:
    statement = (
        select(col(Reservation.sku), col(Reservation.location_id), col(Reservation.quantity))
        .where(col(Reservation.order_id) == order_id)
        .order_by(col(Reservation.sku))
    )
    return list((await session.execute(statement)).all())


async def _lock_stock(session: AsyncSession, quantities: Mapping[str, int], location_id: UUID) -> dict[str, int]:
    """Lock the rows in key order, so that two orders never wait for each other; units available, by SKU."""
    statement = (
        select(col(Stock.sku), col(Stock.on_hand) - col(Stock.reserved))
        .where(col(Stock.location_id) == location_id, col(Stock.sku).in_(quantities))
        .order_by(col(Stock.sku))
        .with_for_update()
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def _require_available(session: AsyncSession, wanted: Mapping[str, int], location_id: UUID) -> None:
    there = await _lock_stock(session, wanted, location_id)
    short = [
        {"sku": sku, "requested": quantity, "available": there.get(sku, 0)}
        for sku, quantity in wanted.items()
        if there.get(sku, 0) < quantity
    ]
    if short:
        raise OutOfStock(f"Not enough stock of {', '.join(str(line['sku']) for line in short)}.", lines=short)


async def _shift(
    session: AsyncSession, quantities: Mapping[str, int], location_id: UUID, *, on_hand: int = 0, reserved: int = 0
) -> None:
    """Add each quantity times these signs. The table's CHECK refuses whatever must never be."""
    by_sku = case(quantities, value=col(Stock.sku))
    await session.execute(
        update(Stock)
        .where(col(Stock.location_id) == location_id, col(Stock.sku).in_(quantities))
        .values(on_hand=Stock.on_hand + on_hand * by_sku, reserved=Stock.reserved + reserved * by_sku)
    )


async def _book(
    session: AsyncSession,
    order_id: UUID,
    quantities: Mapping[str, int],
    location_id: UUID,
    kind: MovementKind,
    *,
    sign: int,
) -> None:
    rows = [
        {"sku": sku, "location_id": location_id, "delta": sign * quantity, "kind": kind, "order_id": order_id}
        for sku, quantity in quantities.items()
    ]
    await session.execute(insert(StockMovement), [row | {"reason": "order"} for row in rows])


@dataclass(frozen=True)
class StockPicture:
    """One SKU over all locations, in units."""

    sku: str
    on_hand: int
    reserved: int
    low_stock_threshold: int


async def picture(session: AsyncSession, sku: str) -> StockPicture:
    """Raises NotFound for a SKU without stock rows."""
    statement = select(func.sum(Stock.on_hand), func.sum(Stock.reserved), func.max(Stock.low_stock_threshold)).where(
        col(Stock.sku) == sku
    )
    on_hand, reserved, threshold = (await session.execute(statement)).one()
    if on_hand is None:
        raise NotFound(f"There is no SKU {sku}.")
    return StockPicture(sku, on_hand, reserved, threshold)
