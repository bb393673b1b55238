"""Keys of requests other than checkouts, for 24 hours; and one scope for all keys of a caller, wherever they are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import KeyReused
from models.idempotency import IdempotencyKey
from models.orders import CheckoutRequest, Order
from models.payments import PaymentAttempt, Refund

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class KeyedRequest:
    """A caller's Idempotency-Key, and the fingerprint of the request that came with it."""

    user_id: UUID
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Made:
    """What a request made, now or when it was sent before, as its route reads it back."""

    resource: str
    was_replayed: bool


class Use(StrEnum):
    """What a key was sent with. Those of carts are kept in Redis."""

    CHECKOUT = "checkout"
    CARD = "card"
    REFUND = "refund"
    DECISION = "decision"  # and whatever else is kept in idempotency_keys
    CART = "cart"


async def require_unused(session: AsyncSession, user_id: UUID, key: str, *, but: Use) -> None:
    """Raises KeyReused for a key that this caller sent with anything else. Carts are asked by `CartStore.has_used`."""
    uses = {
        Use.CHECKOUT: exists().where(
            col(CheckoutRequest.user_id) == user_id, col(CheckoutRequest.idempotency_key) == key
        ),
        Use.CARD: exists().where(
            col(Order.user_id) == user_id,
            col(PaymentAttempt.order_id) == Order.id,
            col(PaymentAttempt.idempotency_key) == key,
            col(PaymentAttempt.number) > 1,  # the first came with the checkout, and has its key
        ),
        Use.REFUND: exists().where(col(Refund.user_id) == user_id, col(Refund.idempotency_key) == key),
        Use.DECISION: exists().where(
            col(IdempotencyKey.user_id) == user_id,
            col(IdempotencyKey.key) == key,
            col(IdempotencyKey.at) > func.now() - KEPT_FOR,
        ),
    }
    elsewhere = or_(*(use for name, use in uses.items() if name is not but))
    if (await session.execute(select(elsewhere))).scalar_one():
        raise KeyReused


async def once(session: AsyncSession, request: KeyedRequest | None, make: Callable[[], Awaitable[object]]) -> Made:
    """Run `make` in this transaction unless this very request did so before. It returns the id of what it made.

    Two at once: the second waits for the first one's commit. What `make` raises leaves the key unused.
    Raises KeyReused for another request with this key.
    """
    if request is None:
        return Made(str(await make()), was_replayed=False)
    is_new = await record(session, request.user_id, request.key, request.fingerprint)
    await require_unused(session, request.user_id, request.key, but=Use.DECISION)
    mine = (col(IdempotencyKey.user_id) == request.user_id, col(IdempotencyKey.key) == request.key)
    if not is_new:
        known = (await session.execute(select(col(IdempotencyKey.resource)).where(*mine))).scalar_one()
        return Made(known or "", was_replayed=True)
    resource = str(await make())
    await session.execute(update(IdempotencyKey).where(*mine).values(resource=resource))
    return Made(resource, was_replayed=False)


async def record(session: AsyncSession, user_id: UUID, key: str, fingerprint: str) -> bool:
    """False when the same request was recorded before. Raises KeyReused for another one with this key."""
    mine = (col(IdempotencyKey.user_id) == user_id, col(IdempotencyKey.key) == key)
    await session.execute(delete(IdempotencyKey).where(*mine, col(IdempotencyKey.at) < func.now() - KEPT_FOR))
    statement = insert(IdempotencyKey).values(user_id=user_id, key=key, fingerprint=fingerprint)
    written = await session.execute(statement.on_conflict_do_nothing().returning(col(IdempotencyKey.key)))
    if written.scalar_one_or_none() is not None:
        return True
    known = (await session.execute(select(col(IdempotencyKey.fingerprint)).where(*mine))).scalar_one_or_none()
    if known is None:  # its request was refused this moment, and gave the key back
        return await record(session, user_id, key, fingerprint)
    if known != fingerprint:
        raise KeyReused
    return False


async def forget_old(session: AsyncSession) -> None:
    """Delete the keys that are no longer kept."""
    await session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.at) < func.now() - KEPT_FOR))


async def recorded_at(session: AsyncSession, user_id: UUID, key: str) -> datetime:
    """When this key was recorded: tells it from an earlier use, which was refused and forgotten."""
    mine = (col(IdempotencyKey.user_id) == user_id, col(IdempotencyKey.key) == key)
    return (await session.execute(select(col(IdempotencyKey.at)).where(*mine))).scalar_one()


async def forget(session: AsyncSession, user_id: UUID, key: str, at: datetime | None = None) -> None:
    """This key; where `at` is given, only its use that was recorded then, and no later one."""
    mine = [col(IdempotencyKey.user_id) == user_id, col(IdempotencyKey.key) == key]
    when = [col(IdempotencyKey.at) == at] if at else []
    await session.execute(delete(IdempotencyKey).where(*mine, *when))
