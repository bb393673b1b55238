"""What staff did to many orders at once: written down before it is sent, and the answer kept for whoever asks again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import KeyInUse
from models.audit import AuditEntry
from models.idempotency import IdempotencyKey
from services import idempotency
from services.audit import Actor
from services.idempotency import KeyedRequest, Use

BUSY = timedelta(seconds=60)
"""Above what all the sending takes: a request that has no answer then died with its process, and may be sent again."""


async def begin(session: AsyncSession, keyed: KeyedRequest) -> dict[str, Any] | None:
    """The answer that this very request had before; None where it is to be sent.

    Raises KeyReused, and KeyInUse while the first one is being sent.
    """
    is_new = await idempotency.record(session, keyed.user_id, keyed.key, keyed.fingerprint)
    await idempotency.require_unused(session, keyed.user_id, keyed.key, but=Use.DECISION)
    if is_new:
        return None
    mine = _of(keyed)
    known = select(col(IdempotencyKey.resource), col(IdempotencyKey.at) > func.now() - BUSY).where(*mine)
    resource, is_busy = (await session.execute(known.with_for_update())).one()
    if resource is not None:
        return dict((await session.get_one(AuditEntry, UUID(resource))).details["answer"])
    if is_busy:
        raise KeyInUse
    await session.execute(update(IdempotencyKey).where(*mine).values(at=func.now()))
    return None


async def free(session: AsyncSession, keyed: KeyedRequest) -> None:
    """Leave the key unused, unless it has its answer by now."""
    await session.execute(delete(IdempotencyKey).where(*_of(keyed), col(IdempotencyKey.resource).is_(None)))


async def note_each(
    session: AsyncSession, actor: Actor, action: str, order_ids: Sequence[UUID], **details: Any
) -> None:
    """In the audit log, an entry for each order."""
    if order_ids:
        await session.execute(
            insert(AuditEntry), [_entry(actor, action, "order", order_id, details) for order_id in order_ids]
        )


async def keep(
    session: AsyncSession, actor: Actor, action: str, keyed: KeyedRequest | None, answer: dict[str, Any], **details: Any
) -> None:
    """In the audit log, the whole of it, which is also what the key leads to."""
    entry = insert(AuditEntry).values(**_entry(actor, action, "orders", "many", {**details, "answer": answer}))
    entry_id = (await session.execute(entry.returning(col(AuditEntry.id)))).scalar_one()
    if keyed is not None:
        await session.execute(update(IdempotencyKey).where(*_of(keyed)).values(resource=str(entry_id)))


def _of(keyed: KeyedRequest) -> tuple[Any, Any]:
    return col(IdempotencyKey.user_id) == keyed.user_id, col(IdempotencyKey.key) == keyed.key


def _entry(actor: Actor, action: str, subject: str, subject_id: object, details: dict[str, Any]) -> dict[str, Any]:
    return {
        "actor_id": actor.id, "action": action, "subject": subject, "subject_id": str(subject_id),
        "address": actor.address, "request_id": actor.request_id, "details": details,
    }  # fmt: skip
