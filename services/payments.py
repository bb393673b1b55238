"""Payments as our books have them. A row says what we are about to do before the provider is asked to do it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import KeyReused, NotAllowedInState, NotFound, OrderCancelled
from domain.money import Money
from domain.orders import MONEY_TAKEN, OrderStatus, PaymentMethod, PaymentStatus
from models.orders import CheckoutRequest, Order
from models.payments import Account, Payment, PaymentAttempt
from services import ledger
from services.orders.reading import Viewer

FIRST_ATTEMPT = 1


async def open_payment(session: AsyncSession, order_id: UUID, provider: str) -> Payment:
    """The order's one payment, locked; written now unless it is there. Raises OrderCancelled when it was voided."""
    await _insert(session, order_id, provider, PaymentStatus.PENDING)
    return await live(session, order_id)


async def live(session: AsyncSession, order_id: UUID) -> Payment:
    """The order's payment, locked. Raises NotFound, and OrderCancelled when it was voided."""
    payment = await locked(session, order_id)
    if payment.status == PaymentStatus.VOIDED:
        raise OrderCancelled("The payment was voided before it was made.")
    return payment


async def close_payment(session: AsyncSession, order_id: UUID, provider: str) -> Payment:
    """Mark the payment as voided before the provider is asked to void it, unless it is captured.

    Written even where there is none, as a tombstone: an authorisation that arrives later finds it and stops.
    """
    await _insert(session, order_id, provider, PaymentStatus.VOIDED)
    payment = await locked(session, order_id)
    if payment.captured == 0:
        payment.status = PaymentStatus.VOIDED
        payment.redirect_url = None
    return payment


async def _insert(session: AsyncSession, order_id: UUID, provider: str, status: PaymentStatus) -> None:
    order = await session.get(Order, order_id)
    if order is None:
        raise NotFound("There is no such order.")
    row = {
        "order_id": order_id, "provider": provider, "status": status,
        "currency": order.currency, "amount": order.total,
    }  # fmt: skip
    await session.execute(insert(Payment).values(**row).on_conflict_do_nothing())


async def visible(session: AsyncSession, payment_id: UUID, viewer: Viewer) -> Payment:
    """Raises NotFound for a payment that is another's or none at all."""
    payment = await session.get(Payment, payment_id)
    if payment is not None and not viewer.is_staff:
        order = await session.get_one(Order, payment.order_id)
        payment = payment if order.user_id == viewer.user_id else None
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


async def page(
    session: AsyncSession, status: PaymentStatus | None, limit: int, after: tuple[datetime, UUID] | None
) -> list[Payment]:
    """The newest first. `after` is (created at, id) of the last one seen."""
    statement = select(Payment)
    if status is not None:
        statement = statement.where(col(Payment.status) == status)
    if after is not None:
        statement = statement.where(tuple_(col(Payment.created_at), col(Payment.id)) < after)
    ordered = statement.order_by(col(Payment.created_at).desc(), col(Payment.id).desc()).limit(limit)
    return list((await session.execute(ordered)).scalars())


async def of_order(session: AsyncSession, order_id: UUID) -> Payment | None:
    """To be read only: what it says may be over when it is acted upon."""
    return (await session.execute(select(Payment).where(col(Payment.order_id) == order_id))).scalar_one_or_none()


async def by_reference(session: AsyncSession, provider: str, reference: str) -> Payment | None:
    """The payment that was made with this intent of the provider's, to be read only."""
    of_intent = (col(Payment.provider) == provider, col(Payment.provider_ref) == reference)
    return (await session.execute(select(Payment).where(*of_intent))).scalar_one_or_none()


async def locked(session: AsyncSession, order_id: UUID) -> Payment:
    """Raises NotFound when the order has no payment."""
    payment = await locked_if_any(session, order_id)
    if payment is None:
        raise NotFound("The order has no payment.")
    return payment


async def locked_by_id(session: AsyncSession, payment_id: UUID) -> Payment:
    """Raises NotFound."""
    payment = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


async def locked_if_any(session: AsyncSession, order_id: UUID) -> Payment | None:
    statement = select(Payment).where(col(Payment.order_id) == order_id).with_for_update()
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()


async def token_for(session: AsyncSession, order_id: UUID, attempt: int) -> str:
    """The token of this attempt. The first one came with the checkout and is noted here. Raises NotFound."""
    row = await session.get(PaymentAttempt, (order_id, attempt))
    if row is None and attempt == FIRST_ATTEMPT:
        request = await session.get_one(CheckoutRequest, order_id)
        row = PaymentAttempt(
            order_id=order_id,
            number=FIRST_ATTEMPT,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            payment_token=request.payment_token or "",
        )
        session.add(row)
    if row is None:
        raise NotFound("There is no such payment attempt.")
    return row.payment_token


async def record_attempt(
    session: AsyncSession, order_id: UUID, *, key: str, fingerprint: str, token: str
) -> tuple[int, bool]:
    """Note another card for an order whose payment failed: its number, and whether this key noted it before.

    Raises KeyReused, and NotAllowedInState when the order does not wait for another card.
    """
    order = (await session.execute(select(Order).where(col(Order.id) == order_id).with_for_update())).scalar_one()
    tried = select(PaymentAttempt).where(col(PaymentAttempt.order_id) == order_id).order_by(col(PaymentAttempt.number))
    attempts: list[PaymentAttempt] = list((await session.execute(tried)).scalars())
    for attempt in attempts:
        if attempt.idempotency_key == key:
            if attempt.fingerprint != fingerprint:
                raise KeyReused
            return attempt.number, True
    if order.status != OrderStatus.PAYMENT_FAILED:
        raise NotAllowedInState(f"An order that is {order.status} takes no other card.", order_status=order.status)
    number = len(attempts) + 1
    session.add(
        PaymentAttempt(
            order_id=order_id, number=number, idempotency_key=key, fingerprint=fingerprint, payment_token=token
        )
    )
    return number, False


async def record_capture(session: AsyncSession, payment: Payment, captured: Money) -> None:
    """The provider has taken the money: say so, and book it. Repeating it changes nothing, whatever went back since."""
    if payment.status in MONEY_TAKEN:
        return
    payment.status = PaymentStatus.CAPTURED
    payment.captured = captured.amount
    payment.redirect_url = None
    if captured.amount == 0:
        return
    await ledger.book(
        session,
        payment.id,
        kind="capture",
        fact=str(payment.provider_ref),
        amount=captured,
        debit=Account.CLEARING,
        credit=Account.SALES,
    )


async def record_cash(session: AsyncSession, order_id: UUID) -> None:
    """The courier has collected what a cash-on-delivery order costs: a payment of provider `cod`, booked as cash.

    Locks the payment, so call it before the order moves. Repeating it changes nothing; a free order has no payment.
    """
    order = await session.get_one(Order, order_id)
    if order.total == 0:
        return
    await _insert(session, order_id, PaymentMethod.COD, PaymentStatus.PENDING)
    payment = await locked(session, order_id)
    if payment.status in MONEY_TAKEN:
        return
    payment.status = PaymentStatus.CAPTURED
    payment.captured = payment.amount
    await ledger.book(
        session,
        payment.id,
        kind="capture",
        fact=f"cash:{order_id}",
        amount=Money(payment.amount, payment.currency),
        debit=Account.CASH,
        credit=Account.SALES,
    )
