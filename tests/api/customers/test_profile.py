"""One's own profile and preferences: what may be changed, and what only looks as if it might."""

from typing import Any

import pytest

from tests.api.conftest import Caller, SignIn
from tests.api.shopping import fields_of, refused
from tests.builders import Shop

DEFAULTS = {"language": "en", "currency": "USD", "order_emails": True, "marketing_emails": False}


async def test_a_profile_is_read_and_changed_field_by_field(customer: Caller) -> None:
    first = await customer.get("/customers/me")
    assert first.status_code == 200
    profile = first.json()
    assert set(profile) == {"id", "email", "full_name", "phone", "email_verified", "created_at"}
    assert (profile["id"], profile["full_name"], profile["phone"]) == (str(customer.user_id), "Ada Shopper", None)
    changed = await customer.patch("/customers/me", json={"phone": "+1 415 555 2671"})
    assert changed.json() == profile | {"phone": "+14155552671"}
    changed = await customer.patch("/customers/me", json={"full_name": " Ada King "})
    assert changed.json() == profile | {"phone": "+14155552671", "full_name": "Ada King"}
    changed = await customer.patch("/customers/me", json={"phone": None})
    assert changed.json() == (await customer.get("/customers/me")).json() == profile | {"full_name": "Ada King"}
    assert (await customer.patch("/customers/me", json={})).json() == changed.json()
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "admin"}, "role"),
        ({"is_active": True}, "is_active"),
        ({"email_verified": True}, "email_verified"),
        ({"email_verified_at": "2026-01-01T00:00:00Z"}, "email_verified_at"),
        ({"email": "eve@example.com"}, "email"),
        ({"id": "00000000-0000-0000-0000-000000000001"}, "id"),
        ({"password_hash": "x"}, "password_hash"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"full_name": None}, "full_name"),
        ({"full_name": "  "}, "full_name"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"full_name": "a\x1bb"}, "full_name"),
        ({"phone": "555"}, "phone"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_not_the_persons_to_change_is_refused_and_nothing_changes(
    customer: Caller, shop: Shop, body: dict[str, Any], field: str
) -> None:
    before = await shop.rows("SELECT * FROM users")
    answer = await customer.patch("/customers/me", json=body | {"phone": body.get("phone", "+14155552671")})
    assert fields_of(refused(answer, 422, "validation-failed")) == {f"body.{field}"}
    assert await shop.rows("SELECT * FROM users") == before


async def test_preferences_have_defaults_and_are_set_as_a_whole(customer: Caller, stranger: Caller) -> None:
    assert (await customer.get("/customers/me/preferences")).json() == DEFAULTS
    mine = {"language": "de-CH", "currency": "CHF", "order_emails": False, "marketing_emails": True}
    for _ in range(2):
        assert (await customer.put("/customers/me/preferences", json=mine)).json() == mine
        assert (await customer.get("/customers/me/preferences")).json() == mine
    again = await customer.put("/customers/me/preferences", json={"language": "fr"})
    assert again.json() == (await customer.get("/customers/me/preferences")).json() == DEFAULTS | {"language": "fr"}
    assert (await stranger.get("/customers/me/preferences")).json() == DEFAULTS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"language": "english"}, "language"),
        ({"language": "xx"}, "language"),
        ({"language": "EN"}, "language"),
        ({"currency": "QQQ"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"order_emails": "maybe"}, "order_emails"),
        ({"user_id": "me"}, "user_id"),
    ],
    ids=str,
)
async def test_preferences_that_are_none_are_refused(customer: Caller, change: dict[str, Any], field: str) -> None:
    answer = await customer.put("/customers/me/preferences", json=DEFAULTS | change)
    assert fields_of(refused(answer, 422, "validation-failed")) == {f"body.{field}"}
    assert (await customer.get("/customers/me/preferences")).json() == DEFAULTS


async def test_an_account_that_is_gone_changes_nothing_with_a_token_that_is_left(customer: Caller, shop: Shop) -> None:
    await shop.rows("UPDATE users SET is_active = false")
    refused(await customer.get("/customers/me"), 401, "not-signed-in")
    refused(await customer.patch("/customers/me", json={"phone": None}), 401, "not-signed-in")
    refused(await customer.put("/customers/me/preferences", json=DEFAULTS), 401, "not-signed-in")


async def test_a_machine_has_no_account_of_its_own(sign_in: SignIn, shop: Shop) -> None:
    machine = await sign_in("service")
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/preferences"), ("GET", "/addresses"), ("GET", "/export"),
    ):  # fmt: skip
        refused(await machine.request(method, f"/customers/me{path}"), 403, "forbidden")
    assert await shop.rows("SELECT erased_at FROM users") == [(None,)]
