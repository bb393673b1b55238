"""Handing an order over: what was paid in cash is booked with it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import CashMismatch, NotFound
from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod
from models.orders import Order
from services import payments
from services.fulfilment.shipping import lock
from services.orders.moving import move


def require_cash(order: Order, collected: Money | bool | None) -> None:
    """Whether the courier collected what is due: None says so, where anything is. Raises CashMismatch."""
    is_cod = order.payment_method == PaymentMethod.COD
    due = Money(order.total if is_cod else 0, order.currency)
    if collected is not None and not (is_cod and collected in (True, due)):
        detail = f"{due} is due in cash." if is_cod else "Nothing is due in cash: the order was paid by card."
        raise CashMismatch(detail, due={"amount": due.amount, "currency": due.currency})


async def deliver(session: AsyncSession, order_id: UUID, cash: int | None, by: str, note: str | None) -> OrderStatus:
    """`delivered`, or `refunded` where the provider had given all of its money back before.

    Repeating it changes nothing. Raises NotFound, CashMismatch, and NotAllowedInState unless all is shipped.
    """
    order = await session.get(Order, order_id)
    if order is None:
        raise NotFound("There is no such order.")
    require_cash(order, None if cash is None else Money(cash, order.currency))
    if order.payment_method == PaymentMethod.COD:
        await payments.record_cash(session, order_id)
    payment = await payments.locked_if_any(session, order_id)  # before the order, as whoever gives money back does
    if await lock(session, order_id) is OrderStatus.REFUNDED:
        return OrderStatus.REFUNDED
    await move(session, order_id, {OrderStatus.SHIPPED}, OrderStatus.DELIVERED, kind="delivered", by=by, note=note)
    if payment is None or payment.captured == 0 or payment.refunded < payment.captured:
        return OrderStatus.DELIVERED
    await move(session, order_id, {OrderStatus.DELIVERED}, OrderStatus.REFUNDED, kind="refunded", by=by)
    return OrderStatus.REFUNDED
