"""Claiming money to give back: by staff, for a return, or all that is left when an order is given up."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CancelInstead, CurrencyMismatch, KeyReused, NotAllowedInState, OverRefund
from domain.money import Money
from domain.orders import MONEY_TAKEN, OrderStatus, RefundStatus
from models.orders import Order
from models.payments import Payment, Refund, RefundCause
from services import idempotency, payments
from services.idempotency import KeyedRequest, Use

_OVER = frozenset({OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.REFUNDED})
"""Before, an order keeps some of its money: giving all of it back is what cancelling does."""


@dataclass(frozen=True)
class Claim:
    """What is asked for. Without an `amount` all that is left; in minor units of the payment's currency.

    `keyed` is the request that asked for it, whose key is kept for ever.
    """

    cause: RefundCause
    requested_by: str
    amount: int | None = None
    reason: str = ""
    return_id: UUID | None = None
    keyed: KeyedRequest | None = None


async def left(session: AsyncSession, payment: Payment) -> int:
    """What was captured and nobody has claimed, in minor units. The payment is to be locked."""
    claimed = select(func.coalesce(func.sum(col(Refund.amount)), 0)).where(
        col(Refund.payment_id) == payment.id, col(Refund.status) != RefundStatus.FAILED
    )
    return int(payment.captured - (await session.execute(claimed)).scalar_one())


async def claim(session: AsyncSession, payment: Payment, wanted: Claim) -> Refund:
    """Write the refund as pending. The payment is locked.

    Raises OverRefund when that much is not left, or nothing, and KeyReused.
    """
    there = await left(session, payment)
    amount = there if wanted.amount is None else wanted.amount
    if amount > there or amount <= 0:
        most = Money(there, payment.currency)
        raise OverRefund(f"At most {most} can be given back.", left={"amount": there, "currency": payment.currency})
    values = {
        "payment_id": payment.id, "order_id": payment.order_id, "return_id": wanted.return_id,
        "cause": wanted.cause, "status": RefundStatus.PENDING, "currency": payment.currency, "amount": amount,
        "reason": wanted.reason, "requested_by": wanted.requested_by,
    }  # fmt: skip
    if (keyed := wanted.keyed) is not None:
        values |= {"user_id": keyed.user_id, "idempotency_key": keyed.key, "fingerprint": keyed.fingerprint}
    statement = insert(Refund).values(**values).on_conflict_do_nothing(index_elements=["user_id", "idempotency_key"])
    refund: Refund | None = (await session.execute(statement.returning(Refund))).scalar_one_or_none()
    if refund is None:  # a refund of another payment was faster with this key
        raise KeyReused
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
    )
    pending: Refund | None = (await session.execute(same)).scalars().first()
    if pending is not None:
        return pending
    return await claim(session, payment, wanted) if await left(session, payment) > 0 else None


async def request(
    session: AsyncSession, payment_id: UUID, keyed: KeyedRequest, amount: Money | None, reason: str
) -> tuple[Refund, bool]:
    """What staff ask for, written as pending, and whether this very request was made before.

    Raises NotFound, KeyReused, CurrencyMismatch, NotAllowedInState before the capture, OverRefund, and CancelInstead
    where nothing would be left of an order that is still to be delivered.
    """
    payment = await payments.locked_by_id(session, payment_id)
    if (known := await _asked_before(session, keyed)) is not None:
        return known, True
    if amount is not None and amount.currency != payment.currency:
        raise CurrencyMismatch(f"The payment was made in {payment.currency}.")
    status = await _order_status(session, payment.order_id)
    if payment.status not in MONEY_TAKEN:
        detail = f"A payment that is {payment.status} has nothing to give back."
        raise NotAllowedInState(detail, order_status=status.value)
    there = await left(session, payment)
    if status not in _OVER and there > 0 and (amount is None or amount.amount == there):
        raise CancelInstead(f"An order that is {status} keeps some of its money: cancel it to give back all.")
    minor = None if amount is None else amount.amount
    wanted = Claim(RefundCause.STAFF, str(keyed.user_id), minor, reason, keyed=keyed)
    return await claim(session, payment, wanted), False


async def _asked_before(session: AsyncSession, keyed: KeyedRequest) -> Refund | None:
    """Raises KeyReused for another request with this key."""
    await idempotency.require_unused(session, keyed.user_id, keyed.key, but=Use.REFUND)
    mine = (col(Refund.user_id) == keyed.user_id, col(Refund.idempotency_key) == keyed.key)
    known: Refund | None = (await session.execute(select(Refund).where(*mine))).scalar_one_or_none()
    if known is not None and known.fingerprint != keyed.fingerprint:
        raise KeyReused
    return known


async def _order_status(session: AsyncSession, order_id: UUID) -> OrderStatus:
    return OrderStatus((await session.execute(select(col(Order.status)).where(col(Order.id) == order_id))).scalar_one())
