"""Shipping an order, all at once or line by line: what is left to ship is what the order sold and has not sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound, OverShipment
from domain.orders import OrderStatus, ReservationStatus
from models.fulfilment import Shipment, ShipmentLine
from models.inventory import Reservation
from models.orders import Order
from services.orders.moving import move, note_event


@dataclass(frozen=True)
class NewShipment:
    """`lines` are units by SKU; none: all that is left."""

    id: UUID
    order_id: UUID
    carrier: str
    tracking_number: str
    by: str
    note: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


async def shipped_units(session: AsyncSession, order_id: UUID) -> dict[str, int]:
    """By SKU, over all shipments of the order."""
    statement = (
        select(col(ShipmentLine.sku), func.sum(col(ShipmentLine.quantity)))
        .join(Shipment, col(Shipment.id) == ShipmentLine.shipment_id)
        .where(col(Shipment.order_id) == order_id)
        .group_by(col(ShipmentLine.sku))
    )
    return {sku: int(units) for sku, units in await session.execute(statement)}


async def units_to_ship(
    session: AsyncSession, order_id: UUID, wanted: Mapping[str, int]
) -> tuple[dict[str, int], bool]:
    """What is to leave the house, by SKU, and whether nothing is left then.

    Raises OverShipment with every line that asks for more than is left; a SKU that was not ordered has none.
    """
    left = await _left(session, order_id)
    over = [
        {"sku": sku, "requested": units, "left": left.get(sku, 0)}
        for sku, units in sorted(wanted.items())
        if units > left.get(sku, 0)
    ]
    if over or not left:
        skus = ", ".join(str(line["sku"]) for line in over) or "the order"
        raise OverShipment(f"Not so many units of {skus} are left to ship.", lines=over)
    units = dict(wanted) or left
    return units, units == left


async def _left(session: AsyncSession, order_id: UUID) -> dict[str, int]:
    """Counted from the sale and not from the order's lines: what a cancellation gave back cannot leave any more."""
    sold = (
        select(col(Reservation.sku), func.sum(col(Reservation.quantity)))
        .where(col(Reservation.order_id) == order_id, col(Reservation.status) == ReservationStatus.COMMITTED)
        .group_by(col(Reservation.sku))
    )
    gone = await shipped_units(session, order_id)
    left = {sku: int(units) - gone.get(sku, 0) for sku, units in await session.execute(sold)}
    return {sku: units for sku, units in left.items() if units > 0}


async def require_shippable(session: AsyncSession, order_id: UUID, wanted: Mapping[str, int]) -> None:
    """Whether `ship` would be refused now. Raises as that does."""
    await _lock_processing(session, order_id)
    await units_to_ship(session, order_id, wanted)


async def ship(session: AsyncSession, new: NewShipment) -> OrderStatus:
    """Write the shipment, and the order as shipped with its last unit. Repeating it changes nothing.

    Raises NotFound, NotAllowedInState unless the order is being processed, and OverShipment.
    """
    status = await lock(session, new.order_id)
    if await session.get(Shipment, new.id) is not None:
        return status
    await _lock_processing(session, new.order_id)
    units, is_all = await units_to_ship(session, new.order_id, new.lines)
    shipment = {
        "id": new.id, "order_id": new.order_id, "shipped_by": new.by,
        "carrier": new.carrier, "tracking_number": new.tracking_number,
    }  # fmt: skip
    await session.execute(insert(Shipment).values(**shipment))
    lines = [{"shipment_id": new.id, "sku": sku, "quantity": quantity} for sku, quantity in sorted(units.items())]
    await session.execute(insert(ShipmentLine), lines)
    facts = {"carrier": new.carrier, "tracking_number": new.tracking_number}
    if not is_all:
        await note_event(session, new.order_id, kind="part_shipped", by=new.by, note=new.note, facts=facts)
        return OrderStatus.PROCESSING
    start = {OrderStatus.PROCESSING}
    await move(session, new.order_id, start, OrderStatus.SHIPPED, kind="shipped", by=new.by, note=new.note, facts=facts)
    return OrderStatus.SHIPPED


async def _lock_processing(session: AsyncSession, order_id: UUID) -> None:
    status = await lock(session, order_id)
    if status is not OrderStatus.PROCESSING:
        raise NotAllowedInState(f"An order that is {status} cannot be shipped.", order_status=status.value)


async def lock(session: AsyncSession, order_id: UUID) -> OrderStatus:
    """The order, whose status this is, for the rest of the transaction. Raises NotFound."""
    locked = select(col(Order.status)).where(col(Order.id) == order_id).with_for_update()
    status = (await session.execute(locked)).scalar_one_or_none()
    if status is None:
        raise NotFound("There is no such order.")
    return OrderStatus(status)
