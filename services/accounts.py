"""Registering and finding users."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotSignedIn
from models.accounts import User


@dataclass(frozen=True)
class NewUser:
    """`email` is lower-cased here: an address has one account."""

    email: str
    password_hash: str
    full_name: str
    phone: str | None


async def register(session: AsyncSession, new: NewUser) -> bool:
    """False when the address has an account already, which stays as it is."""
    row = vars(new) | {"email": new.email.lower(), "role": "customer", "is_active": True}
    statement = insert(User).values(row).on_conflict_do_nothing(index_elements=["email"]).returning(col(User.id))
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    user: User | None = (
        await session.execute(select(User).where(col(User.email) == email.lower()))
    ).scalar_one_or_none()
    return user


async def find(session: AsyncSession, user_id: UUID) -> User:
    """Raises NotSignedIn for an account that is gone or deactivated."""
    user = await session.get(User, user_id)
    if user is None or not user.is_active:
        raise NotSignedIn("This account is gone or deactivated.")
    return user
