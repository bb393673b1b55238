"""What becomes of people who are signed in when their account is closed, gets another role, or is erased."""

from typing import Any

import pytest

from tests.api.conftest import Caller, SignIn
from tests.api.shopping import ADDRESS, refused
from tests.api.signing import EMAIL, ada, bearing, is_in, log_in, logged_in, refresh
from tests.builders import Shop


@pytest.fixture
async def boss(sign_in: SignIn) -> Caller:
    return await sign_in("admin")


@pytest.mark.parametrize(
    ("path", "body"), [("/customers/{}/deactivate", None), ("/staff/{}/role", {"role": "staff"})], ids=str
)
async def test_every_session_ends_at_once(
    anonymous: Caller, boss: Caller, shop: Shop, path: str, body: dict[str, Any] | None
) -> None:
    user_id = await ada(shop)
    phone, laptop = await logged_in(anonymous), await logged_in(anonymous)
    assert (await boss.post(path.format(user_id), json=body)).status_code == 200
    for tokens in (phone, laptop):
        assert not await is_in(anonymous, tokens)
        refused(await refresh(anonymous, tokens), 401, "not-signed-in")


async def test_a_closed_account_is_not_signed_in_to_until_it_is_opened(
    anonymous: Caller, boss: Caller, shop: Shop
) -> None:
    user_id = await ada(shop)
    await boss.post(f"/customers/{user_id}/deactivate")
    refused(await log_in(anonymous), 401, "wrong-credentials")
    await boss.post(f"/customers/{user_id}/activate")
    assert (await log_in(anonymous)).status_code == 200


async def test_a_new_role_holds_from_the_next_sign_in(anonymous: Caller, boss: Caller, shop: Shop) -> None:
    user_id = await ada(shop)
    for role, status in (("staff", 200), ("customer", 403)):
        await boss.post(f"/staff/{user_id}/role", json={"role": role})
        headers = bearing(await logged_in(anonymous))
        assert (await anonymous.get("/customers", headers=headers)).status_code == status


async def test_an_erased_account_is_signed_out_and_its_address_may_register_again(
    anonymous: Caller, shop: Shop
) -> None:
    user_id = await ada(shop)
    tokens = await logged_in(anonymous)
    await anonymous.post("/customers/me/addresses", json=ADDRESS, headers=bearing(tokens))
    assert (await anonymous.delete("/customers/me", headers=bearing(tokens))).status_code == 204
    assert not await is_in(anonymous, tokens)
    refused(await refresh(anonymous, tokens), 401, "not-signed-in")
    refused(await anonymous.delete("/customers/me", headers=bearing(tokens)), 401, "not-signed-in")
    for email in (EMAIL, f"erased-{user_id}@erased.invalid"):
        refused(await log_in(anonymous, email=email), 401, "wrong-credentials")
    body = {"email": EMAIL, "password": "analytical engine", "full_name": "Ada Again"}
    assert (await anonymous.post("/auth/register", json=body)).status_code == 201
    again = bearing(await logged_in(anonymous))
    assert (await anonymous.get("/customers/me", headers=again)).json()["full_name"] == "Ada Again"
    assert (await anonymous.get("/customers/me/addresses", headers=again)).json()["items"] == []
