"""Undoing an order that its checkout has left: the money, then the stock that is still in the house.

What was shipped stays sold, and comes back by a return. That the order is cancelled is written by `orders.placing`.
"""

from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import Unavailable
from domain.orders import OWNED_BY_FULFILMENT, PaymentStatus, RefundStatus, ReservationStatus
from models.orders import Order
from models.payments import Payment, Refund, RefundCause
from models.returns import Return
from services import inventory, refunds
from services.fulfilment.shipping import lock, shipped_units
from services.refunds import Claim


async def claim_rest(session: AsyncSession, order_id: UUID, by: str) -> UUID | None:
    """The refund of all that is left of the order's money; None when all of it is back.

    Raises Unavailable while another refund is under way: should it fail, its money is to be given back here.
    """
    claimed = await refunds.claim_rest(session, order_id, Claim(RefundCause.CANCELLATION, by))
    if claimed is not None:
        return claimed.id
    pending = select(col(Refund.id)).where(col(Refund.order_id) == order_id, col(Refund.status) == RefundStatus.PENDING)
    if (other := (await session.execute(pending.limit(1))).scalar_one_or_none()) is not None:
        raise Unavailable(f"Waits for the refund {other}, which is under way.")
    return None


async def has_begun(session: AsyncSession, order: Order) -> bool:
    """Whether somebody ended a cancellation of this order half way: what was undone stays undone.

    A refund that the provider refused has undone nothing.
    """
    if order.status not in OWNED_BY_FULFILMENT:
        return False
    is_let_go = exists().where(col(Payment.order_id) == order.id, col(Payment.status) == PaymentStatus.VOIDED)
    is_given_back = exists().where(
        col(Refund.order_id) == order.id,
        col(Refund.cause) == RefundCause.CANCELLATION,
        col(Refund.status) != RefundStatus.FAILED,
    )
    is_expected = exists().where(col(Return.order_id) == order.id)
    has_released = order.reservation_status != ReservationStatus.COMMITTED
    return has_released or bool(
        (await session.execute(select(or_(is_let_go, is_given_back, is_expected)))).scalar_one()
    )


async def give_back_unshipped(session: AsyncSession, order_id: UUID) -> None:
    """Repeating it changes nothing. The order is locked before its shipments are counted: none is written meanwhile."""
    await lock(session, order_id)
    await inventory.release(session, order_id, keep=await shipped_units(session, order_id))
