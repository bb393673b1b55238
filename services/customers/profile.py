"""What people say of themselves: their profile and their preferences."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotSignedIn
from models.accounts import User
from models.customers import Preferences


async def lock(session: AsyncSession, user_id: UUID) -> User:
    """The account, for a change of what belongs to it: such changes, and erasing it, come one after the other.

    Raises NotSignedIn for an account that is gone or deactivated.
    """
    return await _present(session, select(User).with_for_update(key_share=True), user_id)


async def require_present(session: AsyncSession, user_id: UUID) -> None:
    """For what is written about a person and is no part of the account: until the transaction ends, nothing erases it.

    Raises NotSignedIn.
    """
    await _present(session, select(User).with_for_update(read=True, key_share=True), user_id)


async def _present(session: AsyncSession, accounts: Select[User], user_id: UUID) -> User:
    statement = accounts.where(col(User.id) == user_id, col(User.is_active))
    user: User | None = (await session.execute(statement)).scalar_one_or_none()
    if user is None:
        raise NotSignedIn("This account is gone or deactivated.")
    return user


async def change(session: AsyncSession, user_id: UUID, values: dict[str, Any]) -> User:
    """`values` are those of `full_name` and `phone` that change. Raises NotSignedIn."""
    user = await lock(session, user_id)
    user.sqlmodel_update(values)
    await session.flush()
    return user


async def preferences(session: AsyncSession, user_id: UUID) -> Preferences:
    """Those that were set, or the defaults."""
    return await session.get(Preferences, user_id) or Preferences(user_id=user_id)


async def prefer(session: AsyncSession, user_id: UUID, values: dict[str, Any]) -> None:
    """Raises NotSignedIn."""
    await lock(session, user_id)
    statement = insert(Preferences).values(user_id=user_id, **values)
    changed = values | {"updated_at": func.now()}
    await session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=changed))
