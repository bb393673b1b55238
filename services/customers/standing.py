"""How an account stands: active or not, and with which role. Each change ends its sessions and is in the audit log."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.errors import AccountErased, Forbidden, LastAdmin, NotFound
from domain.permissions import Role
from models.accounts import User
from services import audit
from services.audit import Actor
from services.customers.listing import KEEPERS, PEOPLE
from services.sessions import EndReason, end_sessions


@dataclass(frozen=True)
class Keeper:
    """Who changes another's account: staff change those of customers alone, admins those of staff too."""

    actor: Actor
    keeps_staff: bool


@dataclass(frozen=True)
class Held:
    """A person's account, locked; with an admin's, those of all who were active admins then."""

    user: User
    other_admins: list[User]

    def require_another_admin(self) -> None:
        """For an account that is about to be no active admin's. Raises LastAdmin."""
        if self.user.role == Role.ADMIN and self.user.is_active and not self.other_admins:
            raise LastAdmin("Make somebody else an admin first.")


async def set_active(session: AsyncSession, keeper: Keeper, user_id: UUID, is_active: bool) -> None:
    """Nothing changes in an account that stands so. Raises NotFound, Forbidden, AccountErased, LastAdmin."""
    held = await _keep(session, keeper, user_id)
    if held.user.is_active is is_active:
        return
    held.require_another_admin()
    held.user.is_active = is_active
    action = "customer.activate" if is_active else "customer.deactivate"
    await audit.record(session, keeper.actor, action, "customer", user_id)
    await end_sessions(session, user_id, EndReason.DEACTIVATED)


async def set_role(session: AsyncSession, keeper: Keeper, user_id: UUID, role: Role) -> None:
    """Ends the sessions, whose access tokens name the role of before.

    Raises NotFound, Forbidden, AccountErased, LastAdmin.
    """
    held = await _keep(session, keeper, user_id)
    if held.user.role == role:
        return
    held.require_another_admin()
    before, held.user.role = held.user.role, role.value
    await audit.record(session, keeper.actor, "staff.role", "staff", user_id, before=before, after=role.value)
    await end_sessions(session, user_id, EndReason.ROLE_CHANGED)


async def lock(session: AsyncSession, user_id: UUID) -> Held:
    """Rows in the order of their ids: two admins who take each other's role away come one after the other.

    Raises NotFound.
    """
    target = aliased(User)
    is_admin = select(col(target.role) == Role.ADMIN).where(col(target.id) == user_id).scalar_subquery()
    active_admin = (col(User.role) == Role.ADMIN) & col(User.is_active)
    statement = select(User).where((col(User.id) == user_id) | (active_admin & is_admin)).order_by(col(User.id))
    locked = statement.with_for_update().execution_options(populate_existing=True)
    found = {user.id: user for user in (await session.execute(locked)).scalars()}
    user = found.pop(user_id, None)
    if user is None or user.role not in PEOPLE:
        raise NotFound("There is no such customer.")
    return Held(user, list(found.values()))


async def _keep(session: AsyncSession, keeper: Keeper, user_id: UUID) -> Held:
    held = await lock(session, user_id)
    if held.user.role in KEEPERS and not keeper.keeps_staff:
        raise Forbidden("Accounts of staff are kept by admins.")
    if user_id == keeper.actor.id:
        raise Forbidden("This is your own account: another admin changes it.")
    if held.user.erased_at is not None:
        raise AccountErased
    return held
