"""The audit log: what staff, admins and machines did, written in the transaction of the act."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

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
