"""Bringing our books up to what the provider has done without us."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import OverRefund
from domain.money import Money
from domain.orders import MONEY_TAKEN, OrderStatus, RefundStatus
from models.orders import Order
from models.payments import Payment, Refund, RefundCause
from services import payments, refunds
from services.refunds import Claim

BY_PROVIDER = "provider"
"""Who asked for a refund that was made over there."""


async def book_capture(session: AsyncSession, order_id: UUID, captured: Money, *, is_given_back: bool) -> bool:
    """False for another amount, and for a cancelled order, whose money staff give back: unless it is back already."""
    payment = await payments.locked(session, order_id)
    order = (await session.execute(select(Order).where(col(Order.id) == order_id).with_for_update())).scalar_one()
    is_due = order.status != OrderStatus.CANCELLED or is_given_back
    if captured != Money(payment.amount, payment.currency) or not is_due:
        return False
    await payments.record_capture(session, payment, captured)
    return True


async def book_refund(session: AsyncSession, order_id: UUID, ref: str, amount: Money, refund_id: UUID | None) -> bool:
    """Book what was given back over there as `ref`; `refund_id` is of a claim of ours, which it then settles.

    False where it cannot be booked: more than what is left, or another currency. Repeating it changes nothing.
    """
    payment = await payments.locked(session, order_id)
    if payment.status not in MONEY_TAKEN or amount.currency != payment.currency:
        return False
    if await is_booked(session, ref):
        return True
    claimed = await _claimed(session, payment, amount, refund_id)
    if claimed is None:
        return False
    await refunds.record_success(session, claimed.id, ref)
    return True


async def is_booked(session: AsyncSession, ref: str) -> bool:
    statement = select(col(Refund.id)).where(
        col(Refund.provider_ref) == ref, col(Refund.status) == RefundStatus.SUCCEEDED
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def _claimed(session: AsyncSession, payment: Payment, amount: Money, refund_id: UUID | None) -> Refund | None:
    ours = await session.get(Refund, refund_id) if refund_id else None
    if ours is not None and ours.payment_id == payment.id and ours.status == RefundStatus.PENDING:
        return ours if ours.amount == amount.amount else None
    try:
        return await refunds.claim(session, payment, Claim(RefundCause.PROVIDER, BY_PROVIDER, amount.amount))
    except OverRefund:
        return None
