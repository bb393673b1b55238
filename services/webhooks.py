"""The inbox of the providers' webhooks: kept before they are answered, once only, and passed on to whoever waits.

A webhook is a hint: whoever is told of it asks the provider. So it does not matter in which order they come.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.orders import PaymentStatus, RefundStatus, checkout_workflow_id, refund_workflow_id
from models.payments import Payment, Refund, WebhookMessage

KEPT_FOR = timedelta(days=30)
"""Ten times as long as a provider delivers again."""


@dataclass(frozen=True)
class News:
    """What a verified webhook says. `facts` is all of it that is kept: ids, a state, amounts, and no person."""

    provider: str
    event_id: str
    type: str
    intent_ref: str | None = None
    order_id: UUID | None = None
    refund_id: UUID | None = None
    refund_ref: str | None = None
    is_outcome: bool = False
    is_refund: bool = False
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class Hearers:
    """`workflow_ids` wait for the news. `is_foreign` when it tells of a refund that nobody asked for here."""

    workflow_ids: tuple[str, ...] = ()
    is_foreign: bool = False

    def __bool__(self) -> bool:
        return bool(self.workflow_ids) or self.is_foreign


NOBODY = Hearers()


async def keep(session: AsyncSession, news: News) -> bool:
    """True while the message still has to be passed on; a redelivery of one that was is False."""
    row = {
        "provider": news.provider, "event_id": news.event_id, "type": news.type, "order_id": news.order_id,
        "payload": (news.facts or {}) | {"is_outcome": news.is_outcome},
    }  # fmt: skip
    await session.execute(insert(WebhookMessage).values(row).on_conflict_do_nothing())
    delivered = select(col(WebhookMessage.delivered_at)).where(*_is(news.provider, news.event_id))
    return (await session.execute(delivered)).scalar_one() is None


async def hearers(session: AsyncSession, news: News) -> Hearers:
    """Whom to tell of it, by the payment that we made with this intent; nobody where it is another shop's.

    The payment stays locked until the message is kept: then either its checkout is known to wait for the bank, or it
    finds the message when it begins to, by `has_outcome`.
    """
    of_intent = (col(Payment.provider) == news.provider, col(Payment.provider_ref) == news.intent_ref)
    payment = (await session.execute(select(Payment).where(*of_intent).with_for_update())).scalar_one_or_none()
    if payment is None:
        return NOBODY
    if news.is_refund:
        return await _hearers_of_refund(session, payment, news)
    is_waited_for = news.is_outcome and payment.status == PaymentStatus.REQUIRES_ACTION
    return Hearers((checkout_workflow_id(payment.order_id),)) if is_waited_for else NOBODY


async def _hearers_of_refund(session: AsyncSession, payment: Payment, news: News) -> Hearers:
    """A charge's news names no refund: it is for all that are pending, or foreign where more went back than we know."""
    ours = select(Refund).where(col(Refund.payment_id) == payment.id)
    refunds: list[Refund] = list((await session.execute(ours)).scalars())
    if news.refund_ref is not None:
        refunds = [one for one in refunds if one.id == news.refund_id or one.provider_ref == news.refund_ref]
    pending = tuple(refund_workflow_id(one.id) for one in refunds if one.status == RefundStatus.PENDING)
    went_back = (news.facts or {}).get("refunded", 0)
    is_foreign = not refunds if news.refund_ref is not None else not pending and went_back > payment.refunded
    return Hearers(pending, is_foreign)


async def has_outcome(session: AsyncSession, order_id: UUID) -> bool:
    """Whether news came of how a confirmation of this order's payment ended: it may be of an earlier card."""
    came = select(col(WebhookMessage.id)).where(
        col(WebhookMessage.order_id) == order_id, col(WebhookMessage.payload)["is_outcome"].as_boolean()
    )
    return (await session.execute(came.limit(1))).scalar_one_or_none() is not None


async def mark_delivered(session: AsyncSession, provider: str, event_id: str) -> None:
    await session.execute(update(WebhookMessage).where(*_is(provider, event_id)).values(delivered_at=func.now()))


async def forget_old(session: AsyncSession) -> None:
    """Delete the messages that are no longer kept."""
    await session.execute(delete(WebhookMessage).where(col(WebhookMessage.received_at) < func.now() - KEPT_FOR))


def _is(provider: str, event_id: str) -> tuple[Any, Any]:
    return col(WebhookMessage.provider) == provider, col(WebhookMessage.event_id) == event_id
