"""The audit log: what staff, admins and machines did, written in the transaction of the act."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.audit import AuditEntry


@dataclass(frozen=True)
class Actor:
    """Who acts and from where. `id` is None for somebody at the command line."""

    id: UUID | None
    address: str | None = None
    request_id: str | None = None


async def record(
    session: AsyncSession, actor: Actor, action: str, subject: str, subject_id: object, **details: Any
) -> None:
    """`action` is a verb of the subject's, such as `product.archive`. `details` never hold a person's data."""
    await session.execute(
        insert(AuditEntry).values(
            actor_id=actor.id,
            action=action,
            subject=subject,
            subject_id=str(subject_id),
            address=actor.address,
            request_id=actor.request_id,
            details=details,
        )
    )


@dataclass(frozen=True)
class AuditFilter:
    """None asks for all."""

    actor_id: UUID | None = None
    action: str | None = None
    subject: str | None = None
    subject_id: str | None = None


async def page(
    session: AsyncSession, wanted: AuditFilter, limit: int, after: tuple[datetime, UUID] | None
) -> list[AuditEntry]:
    """The newest first. `after` is (at, id) of the last one seen."""
    statement = select(AuditEntry)
    for name, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(col(getattr(AuditEntry, name)) == value)
    if after is not None:
        statement = statement.where(tuple_(col(AuditEntry.at), col(AuditEntry.id)) < after)
    ordered = statement.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc()).limit(limit)
    return list((await session.execute(ordered)).scalars())
