"""Opening accounts, finding them, and what changes in them: the password, the address that is confirmed, the role."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotSignedIn
from domain.permissions import Role
from models.accounts import User
from services import audit
from services.audit import Actor


@dataclass(frozen=True)
class NewUser:
    """`email` is lower-cased here: an address has one account."""

    email: str
    password_hash: str
    full_name: str
    phone: str | None


async def register(session: AsyncSession, new: NewUser, role: Role = Role.CUSTOMER) -> bool:
    """False when the address has an account already, which stays as it is."""
    row = vars(new) | {"email": new.email.lower(), "role": role.value, "is_active": True}
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


async def change_password(session: AsyncSession, user: User, password_hash: str) -> bool:
    """False when somebody was faster since `user` was read: its password is another one, or it was deactivated."""
    as_read = (col(User.id) == user.id, col(User.password_hash) == user.password_hash, col(User.is_active))
    statement = update(User).where(*as_read).values(password_hash=password_hash).returning(col(User.id))
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def confirm_email(session: AsyncSession, user_id: UUID) -> None:
    """Whoever has the token has read the mail."""
    confirmed = func.coalesce(User.email_verified_at, func.now())
    await session.execute(update(User).where(col(User.id) == user_id).values(email_verified_at=confirmed))


async def open_admin(session: AsyncSession, new: NewUser) -> bool:
    """An account that is an admin's from the start. False when the address has an account already."""
    if not await register(session, new, Role.ADMIN):
        return False
    user = await find_by_email(session, new.email)
    assert user is not None  # noqa: S101 — registered above
    await confirm_email(session, user.id)
    await audit.record(session, Actor(None), "staff.create", "staff", user.id, role=Role.ADMIN.value)
    return True


async def promote(session: AsyncSession, user: User) -> None:
    """The account becomes an admin's, and active if it was not. A session of before is one from its next refresh on."""
    before, after = user.role, Role.ADMIN.value
    await session.execute(update(User).where(col(User.id) == user.id).values(role=after, is_active=True))
    await audit.record(session, Actor(None), "staff.role", "staff", user.id, before=before, after=after)
