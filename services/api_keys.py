"""Keys of machines: shown once, kept as their SHA-256, limited to the permissions that they were given.

A key acts as a user of its own with the role `service`, so that what it did has an author and its Idempotency-Keys
have an owner.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import Forbidden, NotFound, NotSignedIn
from domain.permissions import Permission, Role
from models.accounts import ApiKey, User
from services.sessions import hash_of

MARK = "tw_"
"""What every key begins with, so that a secret scanner knows one, and we know it from an access token."""

GRANTABLE = frozenset(Permission) - {Permission.STAFF_WRITE, Permission.API_KEYS_WRITE}
"""No machine makes itself another key, or another admin."""

NOTED_EVERY = timedelta(minutes=1)
"""How exact `last_used_at` is: a write for each use would cost more than most uses do."""

NO_PASSWORD = "!"  # noqa: S105 — what no password hashes to


@dataclass(frozen=True)
class NewKey:
    name: str
    permissions: frozenset[Permission]
    expires_at: datetime | None


@dataclass(frozen=True)
class Machine:
    """Whom a key speaks for."""

    key_id: UUID
    user_id: UUID
    permissions: frozenset[Permission]
    is_use_to_be_noted: bool


async def create(
    session: AsyncSession, new: NewKey, creator_id: UUID, may_grant: frozenset[Permission]
) -> tuple[UUID, str]:
    """The key's id, and the key, which nobody can be told again. Raises Forbidden for more than its creator may."""
    if beyond := new.permissions - (GRANTABLE & may_grant):
        raise Forbidden(f"A key cannot be given {', '.join(sorted(beyond))}.")
    prefix = MARK + secrets.token_hex(6)
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    user = insert(User).values(
        email=f"{uuid4().hex}@machine.invalid",
        password_hash=NO_PASSWORD,
        full_name=new.name,
        role=Role.SERVICE.value,
        is_active=True,
    )
    row = insert(ApiKey).values(
        user_id=(await session.execute(user.returning(col(User.id)))).scalar_one(),
        name=new.name,
        prefix=prefix,
        hash=hash_of(key),
        permissions=sorted(new.permissions),
        created_by=creator_id,
        expires_at=new.expires_at,
    )
    return (await session.execute(row.returning(col(ApiKey.id)))).scalar_one(), key


async def find(session: AsyncSession, key: str) -> Machine:
    """In one query. Raises NotSignedIn for a key that is unknown, revoked or expired."""
    is_stale = or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < func.now() - NOTED_EVERY)
    statement = select(col(ApiKey.id), col(ApiKey.user_id), col(ApiKey.permissions), is_stale).where(
        col(ApiKey.hash) == hash_of(key),
        col(ApiKey.revoked_at).is_(None),
        or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > func.now()),
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        raise NotSignedIn("The API key is not known, was revoked, or has expired.")
    key_id, user_id, permissions, is_use_to_be_noted = found
    known = frozenset(Permission(name) for name in permissions if name in set(Permission))
    return Machine(key_id, user_id, known & GRANTABLE, is_use_to_be_noted)


async def note_use(session: AsyncSession, key_id: UUID) -> None:
    await session.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=func.now()))


async def get(session: AsyncSession, key_id: UUID) -> ApiKey:
    """Raises NotFound."""
    key = await session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no such API key.")
    return key


async def page(session: AsyncSession, limit: int, after: tuple[datetime, UUID] | None) -> Sequence[ApiKey]:
    """The newest first, with those that are over."""
    statement = select(ApiKey).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(col(ApiKey.created_at), col(ApiKey.id)) < after)
    return (await session.execute(statement)).scalars().all()


async def revoke(session: AsyncSession, key_id: UUID) -> bool:
    """From this moment on nobody comes in by it. False when it was revoked before. Raises NotFound."""
    is_open = (col(ApiKey.id) == key_id, col(ApiKey.revoked_at).is_(None))
    statement = update(ApiKey).where(*is_open).values(revoked_at=func.now()).returning(col(ApiKey.id))
    if (await session.execute(statement)).scalar() is not None:
        return True
    await get(session, key_id)
    return False
