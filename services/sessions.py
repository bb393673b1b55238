"""Sessions of people: opened by a sign-in, kept by refresh tokens that rotate, ended at once.

A refresh token is 256 random bits, kept as its SHA-256 and good for one use. One that is used again was stolen, from
its owner or by whoever uses it now: its whole session ends. Within GRACE of the first use it is two tabs of one person.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import ColumnElement, delete, exists, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotSignedIn, WrongCredentials
from domain.permissions import Role
from models.accounts import Mail, RefreshToken, User, UserSession

GRACE = timedelta(seconds=10)
REMEMBERED_FOR = timedelta(days=30)
"""After a session would have expired: so long its address is no stranger's."""
ANNOUNCED_AGAIN_FOR = timedelta(hours=1)
"""Who ends sessions and could not tell Redis asks again: these are among the ended ones of that second request."""


class EndReason(StrEnum):
    LOGOUT = "logout"
    LOGOUT_ALL = "logout-all"
    TOKEN_REUSED = "refresh-token-reused"  # noqa: S105 — a reason, not a token
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 — a reason, not a password
    ROLE_CHANGED = "role-changed"
    DEACTIVATED = "deactivated"
    ERASED = "erased"


@dataclass(frozen=True)
class SignIn:
    """Somebody whose password was right. `password_hash` is the one that it was compared with."""

    user_id: UUID
    password_hash: str
    address: str | None
    user_agent: str | None


@dataclass(frozen=True)
class Opened:
    """What a session's tokens are made of. `refresh_token` is told once: only its hash is kept."""

    user_id: UUID
    role: Role
    session_id: UUID
    refresh_token: str


@dataclass(frozen=True)
class Reused:
    """A token came back after its time: the session that it belongs to was ended for it."""

    session_id: UUID


async def open_session(session: AsyncSession, sign_in: SignIn, lifetime: timedelta) -> Opened:
    """Raises WrongCredentials for an account that was deactivated, or whose password changed, a moment ago.

    The account's row is locked: whoever ends its sessions meanwhile finds this one, or is waited for.
    """
    mine = (col(User.id) == sign_in.user_id, col(User.password_hash) == sign_in.password_hash, col(User.is_active))
    role = (await session.execute(select(col(User.role)).where(*mine).with_for_update(key_share=True))).scalar()
    if role is None:
        raise WrongCredentials
    await session.execute(
        delete(UserSession).where(
            col(UserSession.user_id) == sign_in.user_id, col(UserSession.expires_at) < func.now() - REMEMBERED_FOR
        )
    )
    statement = insert(UserSession).values(
        user_id=sign_in.user_id,
        address=sign_in.address,
        user_agent=sign_in.user_agent,
        expires_at=func.now() + lifetime,
    )
    session_id = (await session.execute(statement.returning(col(UserSession.id)))).scalar_one()
    return Opened(sign_in.user_id, Role(role), session_id, await _new_token(session, session_id))


async def refresh(session: AsyncSession, token: str) -> Opened | Reused:
    """Another token for a good one. Raises NotSignedIn for one that is unknown or whose session is over.

    One that was used before ends its session, and is an answer instead of an error: the transaction has to commit.
    """
    used = hash_of(token)
    statement = (
        select(col(UserSession.id), col(UserSession.user_id), col(User.role))
        .join(RefreshToken, col(RefreshToken.session_id) == UserSession.id)
        .join(User, col(User.id) == UserSession.user_id)
        .where(
            col(RefreshToken.hash) == used,
            col(UserSession.ended_at).is_(None),
            col(UserSession.expires_at) > func.now(),
            col(User.is_active),
        )
        .with_for_update(of=UserSession)  # one at a time, so that what follows sees each use before it
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        raise NotSignedIn("The refresh token is not good, or its session is over: sign in again.")
    session_id, user_id, role = found
    if await _was_used_before(session, used):
        await end_session(session, session_id, EndReason.TOKEN_REUSED)
        return Reused(session_id)
    await session.execute(update(UserSession).where(col(UserSession.id) == session_id).values(last_used_at=func.now()))
    return Opened(user_id, Role(role), session_id, await _new_token(session, session_id))


async def end_session(session: AsyncSession, session_id: UUID, reason: EndReason) -> None:
    """One that is over already stays as it ended."""
    await _end(session, reason, col(UserSession.id) == session_id)


async def end_sessions(session: AsyncSession, user_id: UUID, reason: EndReason, but: UUID | None = None) -> list[UUID]:
    """End all of an account's sessions, or all `but` one; their ids are for `announce_ended`, after the commit."""
    await session.execute(select(col(User.id)).where(col(User.id) == user_id).with_for_update(key_share=True))
    theirs = (col(UserSession.user_id) == user_id, col(UserSession.id) != but if but else true())
    await _end(session, reason, *theirs)
    return await ended_lately(session, user_id)


async def ended_lately(session: AsyncSession, user_id: UUID) -> list[UUID]:
    """For `announce_ended`: what ended now, and earlier by somebody who could not tell Redis."""
    lately = col(UserSession.ended_at) > func.now() - ANNOUNCED_AGAIN_FOR
    statement = select(col(UserSession.id)).where(col(UserSession.user_id) == user_id, lately)
    return list((await session.execute(statement)).scalars())


async def is_known_address(session: AsyncSession, user_id: UUID | None, address: str) -> bool:
    """Whether this account signed in from there, or sent a token back that was mailed to its owner. None is nobody's,
    and is looked for all the same."""
    signed_in = exists().where(col(UserSession.user_id) == user_id, col(UserSession.address) == address)
    answered = exists().where(col(Mail.user_id) == user_id, col(Mail.used_from) == address)
    return bool((await session.execute(select(signed_in | answered))).scalar_one())


def ended_key(session_id: UUID) -> str:
    """The Redis key that refuses the access tokens of an ended session until the last of them has expired."""
    return f"ended:{session_id}"


async def announce_ended(redis: Redis, ids: Sequence[UUID], lifetime: timedelta) -> None:
    """After the commit that ended them, so that their access tokens, which live for `lifetime`, end too.

    Raises `core.redis.REDIS_AWAY`: whoever asked is to ask again.
    """
    async with redis.pipeline(transaction=False) as pipe:
        for session_id in ids:
            pipe.set(ended_key(session_id), 1, ex=lifetime)
        await pipe.execute()


def hash_of(secret: str) -> str:
    """How a random secret is kept: it needs no salt and no slow hash, as nobody can guess 256 bits."""
    return sha256(secret.encode()).hexdigest()


async def _was_used_before(session: AsyncSession, token_hash: str) -> bool:
    """Note the use; true where the first one is longer ago than two tabs are apart."""
    now = func.clock_timestamp()
    statement = (
        update(RefreshToken)
        .where(col(RefreshToken.hash) == token_hash)
        .values(used_at=func.coalesce(RefreshToken.used_at, now))
        .returning(col(RefreshToken.used_at) < now - GRACE)
    )
    return bool((await session.execute(statement)).scalar_one())


async def _new_token(session: AsyncSession, session_id: UUID) -> str:
    token = secrets.token_urlsafe(32)
    await session.execute(insert(RefreshToken).values(hash=hash_of(token), session_id=session_id))
    return token


async def _end(session: AsyncSession, reason: EndReason, *which: ColumnElement[bool]) -> None:
    """The sessions first, then their tokens: in the order in which `refresh` locks them."""
    are_open = (*which, col(UserSession.ended_at).is_(None))
    await session.execute(update(UserSession).where(*are_open).values(ended_at=func.now(), end_reason=reason.value))
    ended = select(col(UserSession.id)).where(*which)
    await session.execute(delete(RefreshToken).where(col(RefreshToken.session_id).in_(ended)))
