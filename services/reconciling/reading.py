"""Our payments, as they are compared with a provider's intents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.money import Money
from domain.orders import OrderStatus, RefundStatus
from models.orders import Order
from models.payments import Payment, Refund


@dataclass(frozen=True)
class Own:
    """A payment with its order's status. `is_moving` while a refund of it is pending, and shortly after a change."""

    payment: Payment
    order_status: OrderStatus
    is_moving: bool

    @property
    def ref(self) -> str | None:
        return self.payment.provider_ref

    @property
    def amount(self) -> Money:
        return Money(self.payment.amount, self.payment.currency)

    @property
    def captured(self) -> Money:
        return Money(self.payment.captured, self.payment.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.payment.refunded, self.payment.currency)


async def named(
    session: AsyncSession, provider: str, refs: Collection[str], order_ids: Collection[UUID], settling: timedelta
) -> list[Own]:
    """Those on one of these intents, or of one of these orders."""
    wanted = or_(
        and_(col(Payment.provider) == provider, col(Payment.provider_ref).in_(refs)),
        col(Payment.order_id).in_(order_ids),
    )
    return await _read(session, wanted, settling)


async def made_between(
    session: AsyncSession,
    provider: str,
    start: datetime,
    end: datetime | None,
    settling: timedelta,
    *,
    but: Collection[str],
) -> list[Own]:
    """Those of this time that are on an intent other than these. Without an `end`, up to now."""
    wanted = and_(
        col(Payment.provider) == provider,
        col(Payment.provider_ref).is_not(None),
        col(Payment.provider_ref).not_in(but),
        col(Payment.created_at) >= start,
        col(Payment.created_at) < end if end else true(),
    )
    return await _read(session, wanted, settling)


async def _read(session: AsyncSession, wanted: ColumnElement[bool], settling: timedelta) -> list[Own]:
    is_refunding = exists().where(col(Refund.payment_id) == col(Payment.id), col(Refund.status) == RefundStatus.PENDING)
    is_moving = or_(col(Payment.updated_at) > func.now() - settling, is_refunding)
    statement = select(Payment, col(Order.status), is_moving).join(Order, col(Order.id) == Payment.order_id)
    rows = await session.execute(statement.where(wanted).execution_options(populate_existing=True))
    return [Own(payment, OrderStatus(status), moving) for payment, status, moving in rows]
