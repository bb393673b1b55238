"""Erasing a person: what names one goes, in every table; what the books need stays, under an id that names nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import Delete
from sqlmodel import col

from domain.errors import NotSignedIn, OrdersOpen
from domain.orders import FIRST_STATUS, OrderStatus, PaymentMethod
from domain.permissions import Role
from models.accounts import Mail, User, UserSession
from models.audit import AuditEntry
from models.customers import Address, Preferences
from models.idempotency import IdempotencyKey
from models.notifications import Notification
from models.orders import CheckoutRequest, Order, OrderEvent
from models.payments import PaymentAttempt, Refund, WebhookMessage
from models.returns import Return
from services import audit
from services.api_keys import NO_PASSWORD
from services.audit import Actor
from services.customers import standing
from services.sessions import EndReason, end_sessions

CLOSED = (OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.REFUNDED)
"""Nothing is to be sent to the customer any more."""

ERASED = "erased"


async def erase(session: AsyncSession, user_id: UUID, request_id: str | None) -> list[UUID]:
    """The sessions that this ended. Raises NotSignedIn for an account that is gone, LastAdmin, OrdersOpen."""
    held = await standing.lock(session, user_id)
    if not held.user.is_active:
        raise NotSignedIn("This account is gone or deactivated.")
    held.require_another_admin()
    await _require_no_open_order(session, user_id)
    ended = await end_sessions(session, user_id, EndReason.ERASED)
    _forget_person(held.user)
    await session.flush()
    for statement in _statements(user_id):
        await session.execute(statement, execution_options={"synchronize_session": False})
    await audit.record(session, Actor(user_id, request_id=request_id), "customer.erase", "customer", user_id)
    return ended


async def _require_no_open_order(session: AsyncSession, user_id: UUID) -> None:
    """A checkout that was asked for and has no order yet is on its way to one, and a return that is under way ends
    with money for somebody who is told of it."""
    comes_back = exists().where(col(Return.order_id) == Order.id, col(Return.closed_at).is_(None))
    is_asked_for = col(Order.id).is_(None) & col(CheckoutRequest.outcome).is_(None)
    asked = (
        select(CheckoutRequest, Order)
        .outerjoin(Order, col(Order.id) == CheckoutRequest.order_id)
        .where(col(CheckoutRequest.user_id) == user_id)
        .where(col(Order.status).not_in(CLOSED) | is_asked_for | comes_back)
        .order_by(col(CheckoutRequest.created_at))
        .limit(100)
    )
    still_open = [_shown(request, order) for request, order in (await session.execute(asked)).all()]
    if still_open:
        raise OrdersOpen("Wait for these orders, or cancel them, before the account is erased.", orders=still_open)


def _shown(request: CheckoutRequest, order: Order | None) -> dict[str, str | None]:
    if order is None:
        status = FIRST_STATUS[PaymentMethod(request.payment_method)]
        return {"id": str(request.order_id), "number": None, "status": status.value}
    return {"id": str(order.id), "number": order.number, "status": order.status}


def _forget_person(user: User) -> None:
    user.email = f"erased-{user.id}@erased.invalid"
    user.password_hash = NO_PASSWORD
    user.full_name = "Erased"
    user.phone = None
    user.email_verified_at = None
    user.role = Role.CUSTOMER.value
    user.is_active = False
    user.erased_at = datetime.now(UTC)


def _statements(user_id: UUID) -> Iterator[Update | Delete]:
    """Each with a free text or an address in it: of the orders their country stays, which the books need."""
    orders = select(col(CheckoutRequest.order_id)).where(col(CheckoutRequest.user_id) == user_id)
    for table in (Address, Preferences, IdempotencyKey, Notification):
        yield delete(table).where(col(table.user_id) == user_id)
    yield update(UserSession).where(col(UserSession.user_id) == user_id).values(address=None, user_agent=None)
    yield update(Mail).where(col(Mail.user_id) == user_id).values(recipient=None, token_hash=None, used_from=None)
    yield update(AuditEntry).where(col(AuditEntry.actor_id) == user_id).values(address=None)
    yield (
        update(CheckoutRequest)
        .where(col(CheckoutRequest.user_id) == user_id)
        .values(shipping_address=_country_of(CheckoutRequest), notes=None, payment_token=None, fingerprint=ERASED)
    )
    yield (update(Order).where(col(Order.user_id) == user_id).values(shipping_address=_country_of(Order), notes=None))
    yield update(OrderEvent).where(col(OrderEvent.order_id).in_(orders)).values(note=None)
    yield update(Return).where(col(Return.user_id) == user_id).values(reason="", note=None)
    yield update(Refund).where(col(Refund.order_id).in_(orders)).values(reason="")
    yield update(PaymentAttempt).where(col(PaymentAttempt.order_id).in_(orders)).values(payment_token=ERASED)
    yield update(WebhookMessage).where(col(WebhookMessage.order_id).in_(orders)).values(payload={})


def _country_of(table: type[CheckoutRequest] | type[Order]) -> Any:
    return func.jsonb_build_object("country", col(table.shipping_address)["country"])
