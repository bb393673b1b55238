"""Reading orders: whole, with their lines and their payment, in a fixed number of queries."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.orders import FIRST_STATUS, PENDING, OrderStatus, PaymentMethod, PaymentStatus
from models.fulfilment import Shipment, ShipmentLine
from models.orders import CheckoutRequest, Order, OrderEvent, OrderLine
from models.payments import Payment

UNSENT = PENDING | {OrderStatus.CONFIRMED}
"""States of orders that have no shipment yet."""


@dataclass
class Sent:
    shipment: Shipment
    lines: list[ShipmentLine] = field(default_factory=list)


@dataclass
class WholeOrder:
    order: Order
    payment: Payment | None
    lines: list[OrderLine] = field(default_factory=list)
    shipments: list[Sent] = field(default_factory=list)

    @property
    def payment_status(self) -> PaymentStatus:
        if self.payment is not None:
            return PaymentStatus(self.payment.status)
        if self.order.payment_method == PaymentMethod.COD:
            return PaymentStatus.NOT_REQUIRED_YET
        if self.order.status == OrderStatus.CANCELLED:
            return PaymentStatus.VOIDED
        return PaymentStatus.CAPTURED if self.order.total == 0 else PaymentStatus.PENDING

    @property
    def redirect_url(self) -> str | None:
        """Where the bank wants the shopper, while it does."""
        waiting = self.order.status == OrderStatus.PENDING_PAYMENT
        return self.payment.redirect_url if waiting and self.payment is not None else None


@dataclass(frozen=True)
class Viewer:
    """Who looks: staff see every order, others their own."""

    user_id: UUID
    is_staff: bool


async def has_been(session: AsyncSession, order_id: UUID, status: OrderStatus) -> bool:
    """Whether the order is in this state, or was and moved on."""
    became = exists().where(col(OrderEvent.order_id) == order_id, col(OrderEvent.to_status) == status)
    return bool((await session.execute(select(became))).scalar_one())


async def has_parcel(session: AsyncSession, order_id: UUID, carrier: str | None, tracking_number: str | None) -> bool:
    left = exists().where(
        col(Shipment.order_id) == order_id,
        col(Shipment.carrier) == carrier,
        col(Shipment.tracking_number) == tracking_number,
    )
    return bool((await session.execute(select(left))).scalar_one())


async def one(session: AsyncSession, order_id: UUID, viewer: Viewer) -> WholeOrder | None:
    """None while the order is only asked for and not placed. Raises NotFound for another's and for none at all."""
    found = await _complete(session, _visible(viewer).where(col(Order.id) == order_id))
    if found:
        return found[0]
    request = await session.get(CheckoutRequest, order_id)
    if request is None or not (viewer.is_staff or request.user_id == viewer.user_id):
        raise NotFound("There is no such order.")
    return None


async def first_status(session: AsyncSession, order_id: UUID) -> OrderStatus:
    """What an order that is only asked for, as `one` found it, will be when it is placed."""
    request = await session.get_one(CheckoutRequest, order_id)
    return FIRST_STATUS[PaymentMethod(request.payment_method)]


async def page(
    session: AsyncSession,
    viewer: Viewer,
    status: OrderStatus | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[WholeOrder]:
    """The newest first. `after` is (placed_at, id) of the last one seen."""
    statement = _visible(viewer)
    if status is not None:
        statement = statement.where(col(Order.status) == status)
    if after is not None:
        statement = statement.where(tuple_(col(Order.placed_at), col(Order.id)) < after)
    return await _complete(session, statement.order_by(col(Order.placed_at).desc(), col(Order.id).desc()).limit(limit))


@dataclass(frozen=True)
class Standing:
    """An order at a glance."""

    number: str
    status: OrderStatus
    payment_method: str


async def standings(session: AsyncSession, order_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Of those of these orders that are placed."""
    statement = select(col(Order.id), col(Order.number), col(Order.status), col(Order.payment_method)).where(
        col(Order.id).in_(order_ids)
    )
    rows = await session.execute(statement)
    return {order_id: Standing(number, OrderStatus(status), method) for order_id, number, status, method in rows}


async def timeline(session: AsyncSession, order_id: UUID, viewer: Viewer) -> list[OrderEvent]:
    """Everything that happened to the order, oldest first. Raises NotFound as `one` does."""
    if await one(session, order_id, viewer) is None:
        return []
    statement = select(OrderEvent).where(col(OrderEvent.order_id) == order_id).order_by(col(OrderEvent.seq))
    return list((await session.execute(statement)).scalars())


def _visible(viewer: Viewer) -> Select[Order, Payment]:
    statement = select(Order, Payment).outerjoin(Payment, col(Payment.order_id) == Order.id)
    return statement if viewer.is_staff else statement.where(col(Order.user_id) == viewer.user_id)


async def _complete(session: AsyncSession, statement: Select[Order, Payment]) -> list[WholeOrder]:
    rows = (await session.execute(statement)).all()
    orders = {order.id: WholeOrder(order, payment) for order, payment in rows}
    if orders:
        lines = select(OrderLine).where(col(OrderLine.order_id).in_(orders)).order_by(col(OrderLine.position))
        for line in (await session.execute(lines)).scalars():
            orders[line.order_id].lines.append(line)
    if sent := [order_id for order_id, whole in orders.items() if whole.order.status not in UNSENT]:
        await _add_shipments(session, {order_id: orders[order_id] for order_id in sent})
    return list(orders.values())


async def _add_shipments(session: AsyncSession, orders: dict[UUID, WholeOrder]) -> None:
    """The oldest first."""
    statement = (
        select(Shipment, ShipmentLine)
        .join(ShipmentLine, col(ShipmentLine.shipment_id) == Shipment.id)
        .where(col(Shipment.order_id).in_(orders))
        .order_by(col(Shipment.shipped_at), col(Shipment.id), col(ShipmentLine.sku))
    )
    known: dict[UUID, Sent] = {}
    for shipment, line in (await session.execute(statement)).all():
        if shipment.id not in known:
            known[shipment.id] = Sent(shipment)
            orders[shipment.order_id].shipments.append(known[shipment.id])
        known[shipment.id].lines.append(line)
