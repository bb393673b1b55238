"""Who may change whose account, and that the shop never is without an admin."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import AccountErased, Fact, Forbidden, LastAdmin, NotFound
from domain.permissions import Role
from services import sessions
from services.audit import Actor
from services.customers import standing
from services.customers.standing import Keeper
from tests.builders import Shop
from tests.services.customers.conftest import Apply


def admin(user_id: UUID | None) -> Keeper:
    return Keeper(Actor(user_id, "192.0.2.7", "a request"), keeps_staff=True)


def staff(user_id: UUID) -> Keeper:
    return Keeper(Actor(user_id), keeps_staff=False)


async def open_session(shop: Shop, user_id: UUID) -> None:
    await shop.rows(
        "INSERT INTO user_sessions (user_id, expires_at) VALUES (:user, now() + interval '1 day')", user=user_id
    )


async def state(shop: Shop, user_id: UUID) -> tuple[Any, ...]:
    """(role, active, open sessions)"""
    [row] = await shop.rows(
        "SELECT role, is_active, (SELECT count(*) FROM user_sessions s WHERE s.user_id = u.id AND ended_at IS NULL) "
        "FROM users u WHERE id = :id",
        id=user_id,
    )
    return row


async def log(shop: Shop) -> list[tuple[Any, ...]]:
    return await shop.rows("SELECT actor_id, action, subject, subject_id, address, details FROM audit_entries")


async def test_deactivating_ends_the_sessions_and_is_in_the_log_once(apply: Apply, shop: Shop, ada: UUID) -> None:
    desk = await shop.user("staff")
    await open_session(shop, ada)
    for _ in range(2):
        await apply(standing.set_active, staff(desk), ada, False)
        assert await state(shop, ada) == ("customer", False, 0)
    assert await shop.rows("SELECT end_reason FROM user_sessions") == [("deactivated",)]
    assert await log(shop) == [(desk, "customer.deactivate", "customer", str(ada), None, {})]
    assert len(await apply(sessions.ended_lately, ada)) == 1, "who could not tell Redis asks again"
    for _ in range(2):
        await apply(standing.set_active, staff(desk), ada, True)
        assert await state(shop, ada) == ("customer", True, 0)
    assert len(await log(shop)) == 2


async def test_another_role_ends_the_sessions_and_the_log_says_from_which_to_which(
    apply: Apply, shop: Shop, ada: UUID
) -> None:
    boss = await shop.user("admin")
    await open_session(shop, ada)
    await apply(standing.set_role, admin(boss), ada, Role.STAFF)
    assert await state(shop, ada) == ("staff", True, 0)
    await apply(standing.set_role, admin(boss), ada, Role.STAFF)
    details = {"before": "customer", "after": "staff"}
    assert await log(shop) == [(boss, "staff.role", "staff", str(ada), "192.0.2.7", details)]


@pytest.mark.parametrize("role", ["staff", "admin"])
async def test_staff_change_no_account_of_staff(apply: Apply, shop: Shop, role: str) -> None:
    desk, other = await shop.user("staff"), await shop.user(role)
    for is_active in (False, True):
        with pytest.raises(Forbidden):
            await apply(standing.set_active, staff(desk), other, is_active)
    assert await state(shop, other) == (role, True, 0)
    await apply(standing.set_active, admin(await shop.user("admin")), other, False)
    assert await state(shop, other) == (role, False, 0)


async def test_nobody_changes_their_own_account(apply: Apply, shop: Shop) -> None:
    boss = await shop.user("admin")
    await shop.user("admin")
    with pytest.raises(Forbidden):
        await apply(standing.set_active, admin(boss), boss, False)
    with pytest.raises(Forbidden):
        await apply(standing.set_role, admin(boss), boss, Role.CUSTOMER)
    assert await state(shop, boss) == ("admin", True, 0)


async def test_the_last_admin_stays_one(apply: Apply, shop: Shop) -> None:
    """Asked for at the command line, or by somebody who was an admin a moment ago."""
    boss, gone = await shop.user("admin"), await shop.user("admin")
    await apply(standing.set_active, admin(None), gone, False)
    with pytest.raises(LastAdmin):
        await apply(standing.set_active, admin(None), boss, False)
    with pytest.raises(LastAdmin):
        await apply(standing.set_role, admin(gone), boss, Role.STAFF)
    await apply(standing.set_active, admin(None), boss, True)
    await apply(standing.set_role, admin(None), gone, Role.CUSTOMER)
    assert await state(shop, boss) == ("admin", True, 0)


async def test_admins_who_take_each_others_role_at_once_leave_one(apply: Apply, shop: Shop) -> None:
    for _ in range(5):
        await shop.rows("UPDATE users SET role = 'customer'")
        admins = [await shop.user("admin") for _ in range(4)]
        pairs = zip(admins, admins[1:] + admins[:1], strict=True)
        outcomes = await asyncio.gather(
            *(apply(standing.set_role, admin(actor), other, Role.CUSTOMER) for actor, other in pairs),
            return_exceptions=True,
        )
        assert all(outcome is None or isinstance(outcome, LastAdmin) for outcome in outcomes), outcomes
        [(left,)] = await shop.rows("SELECT count(*) FROM users WHERE role = 'admin'")
        assert left == 1


async def test_a_machine_an_unknown_and_an_erased_account_are_left_alone(apply: Apply, shop: Shop, ada: UUID) -> None:
    boss, machine = await shop.user("admin"), await shop.user("service")
    await shop.rows("UPDATE users SET erased_at = now(), is_active = false WHERE id = :id", id=ada)
    expected: list[tuple[UUID, type[Fact]]] = [(machine, NotFound), (uuid4(), NotFound), (ada, AccountErased)]
    for user_id, refusal in expected:
        with pytest.raises(refusal):
            await apply(standing.set_active, admin(boss), user_id, True)
        with pytest.raises(refusal):
            await apply(standing.set_role, admin(boss), user_id, Role.ADMIN)
    assert await log(shop) == []
