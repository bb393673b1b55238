"""Turning a checkout request into an order, and an order into a confirmed or a cancelled one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound, Unavailable
from domain.money import Money
from domain.notifications import NoticeKind
from domain.orders import CANCELLABLE, FIRST_STATUS, CancelReason, CaptureAt, OrderStatus, PaymentMethod
from domain.pricing import PricedLine, totals
from models.orders import CheckoutRequest, Order, OrderEvent, OrderLine
from services import inventory, notices, payments
from services.orders import requesting
from services.orders.moving import move


@dataclass(frozen=True)
class Holds:
    """How long stock is held, by payment method."""

    card: timedelta
    cod: timedelta

    def of(self, method: str) -> timedelta:
        return self.card if method == PaymentMethod.CARD else self.cod


@dataclass(frozen=True)
class Placed:
    """`hold_left` is what is left of the hold by the database's clock: less than all of it when placing is repeated."""

    order: Order
    hold_left: timedelta


async def place(
    session: AsyncSession, order_id: UUID, holds: Holds, capture_at: CaptureAt = CaptureAt.CONFIRMATION
) -> Placed:
    """The order of this request, written now unless it is there. Raises NotFound when there is no such request."""
    locked = select(CheckoutRequest).where(col(CheckoutRequest.order_id) == order_id).with_for_update()
    request = (await session.execute(locked)).scalar_one_or_none()
    if request is None:
        raise NotFound("There is no checkout request for this order.")
    if placed := await _placed(session, order_id):
        return placed
    await _insert(session, request, holds.of(request.payment_method), capture_at)
    placed = await _placed(session, order_id)
    assert placed is not None  # noqa: S101 — it was written a line above
    return placed


async def _placed(session: AsyncSession, order_id: UUID) -> Placed | None:
    left = func.extract("epoch", col(Order.hold_expires_at) - func.now())
    statement = select(Order, left).where(col(Order.id) == order_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    order, seconds = row
    return Placed(order, timedelta(seconds=max(float(seconds), 0)))


async def _insert(session: AsyncSession, request: CheckoutRequest, hold: timedelta, capture_at: CaptureAt) -> None:
    lines = [
        PricedLine(
            sku=line["sku"],
            product_id=line["product_id"],
            name=line["name"],
            quantity=line["quantity"],
            unit_price=Money(line["unit_price"], request.currency),
        )
        for line in request.lines
    ]
    cost = totals(lines, request.currency)
    status = FIRST_STATUS[PaymentMethod(request.payment_method)]
    order = {
        "id": request.order_id,
        "user_id": request.user_id,
        "status": status,
        "payment_method": request.payment_method,
        "currency": request.currency,
        "subtotal": cost.subtotal.amount,
        "discount": cost.discount.amount,
        "shipping": cost.shipping.amount,
        "tax": cost.tax.amount,
        "total": cost.total.amount,
        "shipping_address": request.shipping_address,
        "notes": request.notes,
        "hold_expires_at": func.now() + hold,
        "capture_at": capture_at,
        "version": 1,
    }
    event = {
        "order_id": request.order_id, "seq": 1, "kind": "placed", "to_status": status, "actor": "checkout",
    }  # fmt: skip
    await session.execute(insert(Order).values(**order))
    await session.execute(insert(OrderLine), [_line(request.order_id, n, line) for n, line in enumerate(lines)])
    await session.execute(insert(OrderEvent).values(**event))


def _line(order_id: UUID, position: int, line: PricedLine) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "position": position,
        "sku": line.sku,
        "product_id": UUID(line.product_id),
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price.amount,
        "line_total": line.total.amount,
    }


async def confirm(session: AsyncSession, order_id: UUID, by: str, note: str | None) -> None:
    """Turn the hold into a sale and the order into a confirmed one, in one transaction. Repeating it changes nothing.

    Raises NotAllowedInState when the order was cancelled meanwhile.
    """
    await requesting.accept(session, order_id)  # first: request, then order, as cancelling locks them
    moved = await move(
        session,
        order_id,
        {OrderStatus.PENDING_PAYMENT, OrderStatus.PENDING_CONFIRMATION},
        OrderStatus.CONFIRMED,
        kind="confirmed",
        by=by,
        note=note,
    )
    if moved:
        await inventory.commit(session, order_id)


REFUSALS = frozenset(
    {
        CancelReason.OUT_OF_STOCK,
        CancelReason.PAYMENT_DECLINED,
        CancelReason.PAYMENT_TOKEN_UNKNOWN,
        CancelReason.PAYMENT_REFUSED,
    }
)
"""What a checkout answers with: a shopper who hears it in the reply to the click is not told again."""


@dataclass(frozen=True)
class Cancellation:
    """`refusal` answers a later look at the same request, if the shopper was not told of an order before."""

    reason: CancelReason
    by: str
    note: str | None
    refusal: dict[str, Any]


async def cancel(session: AsyncSession, order_id: UUID, cancellation: Cancellation, holds: Holds) -> None:
    """Write `cancelled`: the last word, once money and stock are undone. Repeating it changes nothing.

    An order that was never placed is placed first, so that its key leads to an order that says what happened.
    Raises Unavailable while not all of its money is back.
    """
    await place(session, order_id, holds)
    payment = await payments.locked_if_any(session, order_id)
    if payment is not None and payment.captured != payment.refunded:
        raise Unavailable("The order's money is not back yet.")
    has_moved = await move(
        session,
        order_id,
        CANCELLABLE,
        OrderStatus.CANCELLED,
        kind="cancelled",
        by=cancellation.by,
        note=cancellation.note,
        cancel_reason=cancellation.reason.value,
    )
    is_the_reply = await requesting.refuse(session, order_id, cancellation.refusal)
    if has_moved and not (is_the_reply and cancellation.reason in REFUSALS):
        reason = cancellation.reason.value
        await notices.tell(session, order_id, "cancelled", NoticeKind.ORDER_CANCELLED, reason=reason)
