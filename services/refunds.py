"""Money to give back: claimed under the payment's lock before anybody is asked for it, and booked when it is gone.

What is pending or succeeded never exceeds what was captured, so that of two refunds at once one is refused.
"""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound, OverRefund
from domain.money import Money
from domain.notifications import NoticeKind
from domain.orders import OrderStatus, PaymentMethod, PaymentStatus, RefundStatus
from models.orders import Order
from models.payments import Account, Payment, Refund, RefundCause
from services import ledger, notices, payments
from services.orders.moving import move


@dataclass(frozen=True)
class Claim:
    """What is asked for. Without an `amount` all that is left; in minor units of the payment's currency."""

    cause: RefundCause
    requested_by: str
    amount: int | None = None
    reason: str = ""
    return_id: UUID | None = None


async def left(session: AsyncSession, payment: Payment) -> int:
    """What was captured and nobody has claimed, in minor units. The payment is to be locked."""
    claimed = select(func.coalesce(func.sum(col(Refund.amount)), 0)).where(
        col(Refund.payment_id) == payment.id, col(Refund.status) != RefundStatus.FAILED
    )
    return int(payment.captured - (await session.execute(claimed)).scalar_one())


async def claim(session: AsyncSession, payment: Payment, wanted: Claim) -> Refund:
    """Write the refund as pending. The payment is locked. Raises OverRefund when that much is not left, or nothing."""
    there = await left(session, payment)
    amount = there if wanted.amount is None else wanted.amount
    if amount > there or amount <= 0:
        most = Money(there, payment.currency)
        raise OverRefund(f"At most {most} can be given back.", left={"amount": there, "currency": payment.currency})
    refund = Refund(
        id=uuid4(),
        payment_id=payment.id,
        order_id=payment.order_id,
        return_id=wanted.return_id,
        cause=wanted.cause,
        status=RefundStatus.PENDING,
        currency=payment.currency,
        amount=amount,
        reason=wanted.reason,
        requested_by=wanted.requested_by,
    )
    session.add(refund)
    await session.flush()
    return refund


async def claim_rest(session: AsyncSession, order_id: UUID, wanted: Claim) -> Refund | None:
    """Claim all that is left of the order's payment; None where nothing is, or nothing was ever paid.

    A claim of the same cause that is still pending is that claim: repeating it claims nothing twice.
    """
    payment = await payments.locked_if_any(session, order_id)
    if payment is None:
        return None
    same = select(Refund).where(
        col(Refund.payment_id) == payment.id,
        col(Refund.cause) == wanted.cause,
        col(Refund.status) == RefundStatus.PENDING,
        col(Refund.return_id).is_not_distinct_from(wanted.return_id),
    )
    pending: Refund | None = (await session.execute(same)).scalars().first()
    if pending is not None:
        return pending
    return await claim(session, payment, wanted) if await left(session, payment) > 0 else None


async def get(session: AsyncSession, refund_id: UUID) -> Refund:
    """Raises NotFound."""
    refund = await session.get(Refund, refund_id)
    if refund is None:
        raise NotFound("There is no such refund.")
    return refund


async def record_success(session: AsyncSession, refund_id: UUID, provider_ref: str | None) -> Refund:
    """The money is on its way back: say so, book it, tell the customer. Repeating it changes nothing.

    A delivered order whose last money went back is `refunded`.
    """
    refund = await get(session, refund_id)
    payment = await payments.locked(session, refund.order_id)
    done = (
        update(Refund)
        .where(col(Refund.id) == refund_id, col(Refund.status) == RefundStatus.PENDING)
        .values(status=RefundStatus.SUCCEEDED, provider_ref=provider_ref, finished_at=func.now())
        .returning(col(Refund.id))
    )
    if (await session.execute(done)).scalar_one_or_none() is None:
        return refund
    payment.refunded += refund.amount
    is_all = payment.refunded == payment.captured
    payment.status = PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED
    is_cash = payment.provider == PaymentMethod.COD
    await ledger.book(
        session, payment.id, kind="refund", fact=str(refund_id), amount=Money(refund.amount, refund.currency),
        debit=Account.SALES, credit=Account.CASH if is_cash else Account.CLEARING,
    )  # fmt: skip
    await notices.tell(
        session, refund.order_id, f"refund:{refund_id}", NoticeKind.REFUND_ISSUED,
        amount=refund.amount, currency=refund.currency,
    )  # fmt: skip
    if is_all:
        await _close(session, refund)
    await session.flush()
    await session.refresh(refund)
    return refund


async def _close(session: AsyncSession, refund: Refund) -> None:
    status = select(col(Order.status)).where(col(Order.id) == refund.order_id).with_for_update()
    if (await session.execute(status)).scalar_one() == OrderStatus.DELIVERED:
        delivered = {OrderStatus.DELIVERED}
        await move(session, refund.order_id, delivered, OrderStatus.REFUNDED, kind="refunded", by=refund.requested_by)


async def record_failure(session: AsyncSession, refund_id: UUID, code: str) -> None:
    """The provider refused it for good: what it claimed is free again."""
    statement = update(Refund).where(col(Refund.id) == refund_id, col(Refund.status) == RefundStatus.PENDING)
    await session.execute(statement.values(status=RefundStatus.FAILED, failure=code[:64], finished_at=func.now()))
