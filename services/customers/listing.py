"""Accounts as staff look for them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.permissions import Role
from models.accounts import User

_AS_WRITTEN: ColumnElement[str] = literal_column("'simple'")
"""The text search configuration that knows no language, as `ix_users_name_words` has it."""

PEOPLE = frozenset({Role.CUSTOMER, Role.STAFF, Role.ADMIN})
KEEPERS = frozenset({Role.STAFF, Role.ADMIN})


class Standing(StrEnum):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    ERASED = "erased"


def standing_of(user: User) -> Standing:
    if user.erased_at is not None:
        return Standing.ERASED
    return Standing.ACTIVE if user.is_active else Standing.DEACTIVATED


_STANDS: dict[Standing, ColumnElement[bool]] = {
    Standing.ACTIVE: col(User.is_active).is_(True),
    Standing.DEACTIVATED: col(User.is_active).is_(False) & col(User.erased_at).is_(None),
    Standing.ERASED: col(User.erased_at).is_not(None),
}


@dataclass(frozen=True)
class AccountFilter:
    """`text` is the start of an e-mail address, or of words of a name, in any case."""

    roles: Collection[Role]
    text: str | None = None
    standing: Standing | None = None


async def page(
    session: AsyncSession, wanted: AccountFilter, limit: int, after: tuple[datetime, UUID] | None
) -> list[User]:
    """The newest first. `after` is (created_at, id) of the last one seen."""
    statement = select(User).where(col(User.role).in_(wanted.roles))
    if wanted.text is not None:
        statement = statement.where(_matches(wanted.text))
    if wanted.standing is not None:
        statement = statement.where(_STANDS[wanted.standing])
    if after is not None:
        statement = statement.where(tuple_(col(User.created_at), col(User.id)) < after)
    ordered = statement.order_by(col(User.created_at).desc(), col(User.id).desc()).limit(limit)
    return list((await session.execute(ordered)).scalars())


async def one(session: AsyncSession, user_id: UUID) -> User:
    """A person, whatever the role. Raises NotFound for a machine's account and for none at all."""
    statement = select(User).where(col(User.id) == user_id, col(User.role).in_(PEOPLE))
    user: User | None = (await session.execute(statement)).scalar_one_or_none()
    if user is None:
        raise NotFound("There is no such customer.")
    return user


def _matches(text: str) -> ColumnElement[bool]:
    """Each half by its own index. As one OR, the planner would rather walk through all accounts, the newest first."""
    ids = select(col(User.id))
    by_address = ids.where(col(User.email).startswith(text.strip().lower(), autoescape=True))
    words = re.findall(r"\w+", text)
    if not words:
        return col(User.id).in_(by_address)
    starts = func.to_tsquery(_AS_WRITTEN, " & ".join(f"'{word}':*" for word in words))
    by_name = ids.where(func.to_tsvector(_AS_WRITTEN, col(User.full_name)).op("@@")(starts))
    return col(User.id).in_(union(by_address, by_name))
