"""Keys of requests other than checkouts, for 24 hours."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import KeyReused
from models.idempotency import IdempotencyKey

KEPT_FOR = timedelta(hours=24)


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


async def forget(session: AsyncSession, user_id: UUID, key: str) -> None:
    await session.execute(
        delete(IdempotencyKey).where(col(IdempotencyKey.user_id) == user_id, col(IdempotencyKey.key) == key)
    )
