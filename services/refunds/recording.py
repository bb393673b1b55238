"""What became of a refund, booked once."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.money import Money
from domain.notifications import NoticeKind
from domain.orders import OrderStatus, PaymentMethod, PaymentStatus, RefundStatus
from models.orders import Order
from models.payments import Account, Refund, RefundCause
from services import ledger, notices, payments
from services.orders.moving import move, note_event
from services.refunds.reading import get


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
        await session.refresh(refund)
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
    if refund.cause in (RefundCause.STAFF, RefundCause.PROVIDER):  # the timeline tells of the others by their cause
        amount = str(Money(refund.amount, refund.currency))
        await note_event(session, refund.order_id, kind="refund_issued", by=refund.requested_by, note=amount)
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


async def record_failure(session: AsyncSession, refund_id: UUID, reason: str) -> Refund:
    """The provider refused it for good: what it claimed is free again. Repeating it changes nothing.

    `reason` is the provider's word, such as `charge_disputed`.
    """
    statement = update(Refund).where(col(Refund.id) == refund_id, col(Refund.status) == RefundStatus.PENDING)
    await session.execute(statement.values(status=RefundStatus.FAILED, failure=reason[:64], finished_at=func.now()))
    refund = await get(session, refund_id)
    await session.refresh(refund)
    return refund


async def use_next_key(session: AsyncSession, refund_id: UUID, used_up: int) -> None:
    """The provider is asked with the next key from now on, unless somebody else has found this one used up before."""
    used = update(Refund).where(col(Refund.id) == refund_id, col(Refund.provider_key) == used_up)
    await session.execute(used.values(provider_key=used_up + 1))
