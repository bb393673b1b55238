"""Accounts as staff see and keep them."""

from typing import Any
from uuid import uuid4

import pytest

from api.dependencies import Resources
from services.sessions import ended_key
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import keyed, refused
from tests.builders import Shop


async def listed(caller: Caller, path: str = "/customers", **query: Any) -> list[str]:
    """Their ids."""
    answer = await caller.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [account["id"] for account in answer.json()["items"]]


async def test_staff_find_customers_and_see_how_each_stands(staff: Caller, shop: Shop) -> None:
    ada = str(await shop.user(email="ada@example.com"))
    await shop.rows("UPDATE users SET full_name = 'Grace Hopper' WHERE email <> 'ada@example.com'")
    bob = str(await shop.user(email="bob@example.com"))
    assert await listed(staff) == [bob, ada], "customers alone, the newest first"
    assert await listed(staff, q="ADA@ex") == [ada]
    assert await listed(staff, q="shopper") == [bob, ada]
    assert await listed(staff, q="hopper") == []
    assert await listed(staff, status="active") == [bob, ada]
    assert await listed(staff, status="deactivated") == []
    account = (await staff.get(f"/customers/{ada}")).json()
    assert set(account) == {
        "id", "email", "full_name", "phone", "role", "status", "email_verified", "created_at",
    }  # fmt: skip
    assert (account["email"], account["role"], account["status"]) == ("ada@example.com", "customer", "active")


async def test_walking_the_cursors_shows_each_customer_once(staff: Caller, shop: Shop) -> None:
    ids = [str(await shop.user()) for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await staff.get("/customers", params=query)).json()
        seen += [account["id"] for account in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    "query", [{"status": "gone"}, {"q": ""}, {"q": "x" * 101}, {"q": "a\0b"}, {"limit": "0"}], ids=str
)
async def test_a_query_that_is_none_is_refused(staff: Caller, query: dict[str, str]) -> None:
    refused(await staff.get("/customers", params=query), 422, "validation-failed")


async def test_a_deactivated_account_is_refused_at_once_and_opened_again(
    customer: Caller, staff: Caller, shop: Shop, resources: Resources
) -> None:
    [(session_id,)] = await shop.rows(
        "INSERT INTO user_sessions (user_id, expires_at) VALUES (:id, now() + interval '1 day') RETURNING id",
        id=customer.user_id,
    )
    path = f"/customers/{customer.user_id}"
    for _ in range(2):
        answer = await staff.post(f"{path}/deactivate")
        assert (answer.status_code, answer.json()["status"]) == (200, "deactivated")
    assert await resources.redis.exists(ended_key(session_id))
    assert await listed(staff, status="deactivated") == [str(customer.user_id)]
    refused(await customer.get("/customers/me"), 401, "not-signed-in")
    for _ in range(2):
        answer = await staff.post(f"{path}/activate")
        assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert (await customer.get("/customers/me")).status_code == 200


async def test_a_key_deactivates_once(customer: Caller, staff: Caller) -> None:
    path, headers = f"/customers/{customer.user_id}", keyed()
    await staff.post(f"{path}/deactivate", headers=headers)
    await staff.post(f"{path}/activate")
    again = await staff.post(f"{path}/deactivate", headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json()["status"] == "active", "as it stands"
    refused(await staff.post(f"{path}/activate", headers=headers), 422, "idempotency-key-reused")


async def test_staff_keep_no_account_of_staff_and_nobody_their_own(
    customer: Caller, staff: Caller, sign_in: SignIn
) -> None:
    boss, other = await sign_in("admin"), await sign_in("staff")
    for target in (other, boss, staff):
        for verb in ("activate", "deactivate"):
            refused(await staff.post(f"/customers/{target.user_id}/{verb}"), 403, "forbidden")
    refused(await boss.post(f"/customers/{boss.user_id}/deactivate"), 403, "forbidden")
    assert (await boss.post(f"/customers/{other.user_id}/deactivate")).json()["status"] == "deactivated"
    assert (await boss.get(f"/customers/{staff.user_id}")).json()["status"] == "active"


async def test_an_account_that_is_none_or_a_machines_is_not_there(staff: Caller, shop: Shop) -> None:
    for user_id in (uuid4(), await shop.user("service")):
        refused(await staff.get(f"/customers/{user_id}"), 404, "not-found")
        for verb in ("activate", "deactivate"):
            refused(await staff.post(f"/customers/{user_id}/{verb}"), 404, "not-found")
    refused(await staff.get("/customers/ada"), 422, "validation-failed")


async def test_an_erased_account_stays_so(customer: Caller, staff: Caller, sign_in: SignIn) -> None:
    await customer.delete("/customers/me")
    boss = await sign_in("admin")
    for verb in ("activate", "deactivate"):
        refused(await staff.post(f"/customers/{customer.user_id}/{verb}"), 409, "account-erased")
    refused(await boss.post(f"/staff/{customer.user_id}/role", json={"role": "admin"}), 409, "account-erased")
