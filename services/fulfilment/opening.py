"""An order as its fulfilment finds it, once its checkout has closed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import NotAllowedInState, NotFound
from domain.orders import PENDING, PaymentStatus
from models.orders import Order
from services import payments
from services.fulfilment import cancelling


@dataclass(frozen=True)
class Found:
    """`is_to_capture`: the money is set aside, and nobody but the fulfilment will take it. `is_being_cancelled`: a
    cancellation was begun, and is to be finished."""

    order: Order
    is_to_capture: bool
    is_being_cancelled: bool = False


async def find(session: AsyncSession, order_id: UUID) -> Found:
    """Raises NotFound, and NotAllowedInState for an order whose checkout ended without a decision about it."""
    order = await session.get(Order, order_id)
    if order is None:
        raise NotFound("There is no such order.")
    if order.status in PENDING:
        raise NotAllowedInState(f"An order that is {order.status} is its checkout's.", order_status=order.status)
    payment = await payments.of_order(session, order_id)
    return Found(
        order,
        is_to_capture=payment is not None and payment.status == PaymentStatus.AUTHORIZED,
        is_being_cancelled=await cancelling.has_begun(session, order),
    )
