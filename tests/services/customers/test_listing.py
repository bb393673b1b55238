"""Staff find a customer by the start of an e-mail address or of a word of the name."""

from typing import Any
from uuid import UUID

import pytest

from domain.errors import NotFound
from domain.permissions import Role
from models.accounts import User
from services.customers import listing
from services.customers.listing import AccountFilter, Standing
from tests.builders import Shop
from tests.services.customers.conftest import Apply

PEOPLE = {
    "ada@example.com": "Ada Lovelace",
    "grace@example.com": "Grace Brewster Hopper",
    "sinead@example.com": "Sinéad O'Connor",
    "100%_off@example.com": "Per Cent",
    "jean-luc@example.com": "Jean-Luc Picard",
}


@pytest.fixture(autouse=True)
async def people(shop: Shop) -> None:
    for email, name in PEOPLE.items():
        user_id = await shop.user(email=email)
        await shop.rows("UPDATE users SET full_name = :name WHERE id = :id", name=name, id=user_id)
    await shop.user("staff", email="ada@staff.example.com")


async def found(apply: Apply, text: str | None = None, **wanted: Any) -> set[str]:
    rows: list[User] = await apply(listing.page, AccountFilter({Role.CUSTOMER}, text, **wanted), 100, None)
    return {row.email for row in rows}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada", {"ada"}),
        (" ADA@Example.COM ", {"ada"}),
        ("love", {"ada"}),
        ("hop grace", {"grace"}),
        ("grace ada", set()),
        ("o'conn", {"sinead"}),
        ("SINÉAD", {"sinead"}),
        ("jean-l", {"jean-luc"}),
        ("100%", {"100%_off"}),
        ("example.com", set()),
        ("%", set()),
        ("_", set()),
        ("!!! & | <-> :* '", set()),
        ("'; DROP TABLE users", set()),
        ("\\", set()),
        ("a" * 100, set()),
    ],
)
async def test_a_customer_is_found_by_how_the_address_or_a_word_of_the_name_starts(
    apply: Apply, text: str, names: set[str]
) -> None:
    assert await found(apply, text) == {f"{name}@example.com" for name in names}


async def test_each_account_stands_in_one_way(apply: Apply, shop: Shop) -> None:
    await shop.rows("UPDATE users SET is_active = false WHERE email LIKE 'grace%'")
    await shop.rows("UPDATE users SET is_active = false, erased_at = now() WHERE email LIKE 'jean%'")
    by_standing = {way: await found(apply, standing=way) for way in Standing}
    assert by_standing[Standing.DEACTIVATED] == {"grace@example.com"}
    assert by_standing[Standing.ERASED] == {"jean-luc@example.com"}
    assert by_standing[Standing.ACTIVE] == await found(apply) - {"grace@example.com", "jean-luc@example.com"}


async def test_a_person_is_read_by_id_whatever_the_role_and_a_machine_is_none(apply: Apply, shop: Shop) -> None:
    for role in ("customer", "staff", "admin"):
        user_id = await shop.user(role)
        assert (await apply(listing.one, user_id)).id == user_id
    machine: UUID = await shop.user("service")
    with pytest.raises(NotFound):
        await apply(listing.one, machine)
