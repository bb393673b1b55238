"""Registering and finding users: an address has one account, in whatever case it is written."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from domain.errors import NotSignedIn
from domain.permissions import Permission, Role
from models.accounts import User
from services import accounts
from services.accounts import NewUser
from tests.builders import Shop

ADA = NewUser("Ada@Example.com", "a hash", "Ada Shopper", None)


async def register(shop: Shop, new: NewUser) -> bool:
    async with shop.database.transaction() as session:
        return await accounts.register(session, new)


async def by_email(shop: Shop, email: str) -> User | None:
    async with shop.database.transaction() as session:
        return await accounts.find_by_email(session, email)


async def test_who_registers_is_a_customer_and_is_found_in_any_case(shop: Shop) -> None:
    assert await register(shop, ADA)
    for written in ("ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"):
        user = await by_email(shop, written)
        assert user is not None
        assert (user.email, user.role, user.is_active) == ("ada@example.com", Role.CUSTOMER, True)
    assert await by_email(shop, "bob@example.com") is None


async def test_a_known_address_keeps_its_account_as_it_is(shop: Shop) -> None:
    await register(shop, ADA)
    assert not await register(shop, NewUser("aDA@example.com", "another hash", "Mallory", "+15035550100"))
    user = await by_email(shop, "ada@example.com")
    assert user is not None
    assert (user.password_hash, user.full_name, user.phone) == ("a hash", "Ada Shopper", None)


async def test_of_ten_registrations_at_once_one_makes_the_account(shop: Shop) -> None:
    outcomes = await asyncio.gather(*(register(shop, ADA) for _ in range(10)))
    assert sorted(outcomes) == [False] * 9 + [True]
    assert await shop.rows("SELECT count(*) FROM users") == [(1,)]


async def test_an_account_that_is_gone_or_deactivated_is_not_signed_in(shop: Shop) -> None:
    user_id = await shop.user()
    async with shop.database.transaction() as session:
        assert (await accounts.find(session, user_id)).id == user_id
    await shop.rows("UPDATE users SET is_active = false")
    for gone in (user_id, uuid4()):
        async with shop.database.transaction() as session:
            with pytest.raises(NotSignedIn):
                await accounts.find(session, gone)


@pytest.mark.parametrize(
    ("wrong", "constraint"), [("role = 'owner'", "role_known"), ("email = 'ADA@EXAMPLE.COM'", "email_lower")]
)
async def test_the_database_itself_refuses_what_no_account_can_be(shop: Shop, wrong: str, constraint: str) -> None:
    await register(shop, ADA)
    with pytest.raises(IntegrityError, match=constraint):
        await shop.rows(f"UPDATE users SET {wrong}")  # noqa: S608


def test_staff_are_whoever_is_no_customer() -> None:
    assert {role for role in Role if Permission.ORDERS_READ in role.permissions} == {Role.STAFF, Role.ADMIN}
