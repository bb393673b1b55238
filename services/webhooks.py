"""The inbox of the providers' webhooks: kept before they are answered, and once only."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.orders import PaymentStatus
from models.payments import Payment, WebhookMessage


async def keep(
    session: AsyncSession, provider: str, event_id: str, type_: str, order_id: UUID | None, payload: dict[str, Any]
) -> bool:
    """True while the message still has to be passed on; a redelivery of one that was is False."""
    row = {"provider": provider, "event_id": event_id, "type": type_, "order_id": order_id, "payload": payload}
    await session.execute(insert(WebhookMessage).values(row).on_conflict_do_nothing())
    delivered = select(col(WebhookMessage.delivered_at)).where(*_is(provider, event_id))
    return (await session.execute(delivered)).scalar_one() is None


async def is_waited_for(session: AsyncSession, order_id: UUID) -> bool:
    """Whether the order's checkout waits for the bank: only then is news worth a message to it."""
    statement = select(col(Payment.status)).where(col(Payment.order_id) == order_id)
    return (await session.execute(statement)).scalar_one_or_none() == PaymentStatus.REQUIRES_ACTION


async def mark_delivered(session: AsyncSession, provider: str, event_id: str) -> None:
    await session.execute(update(WebhookMessage).where(*_is(provider, event_id)).values(delivered_at=func.now()))


def _is(provider: str, event_id: str) -> tuple[Any, Any]:
    return col(WebhookMessage.provider) == provider, col(WebhookMessage.event_id) == event_id
