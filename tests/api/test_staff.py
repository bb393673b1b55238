"""Who is staff: given and taken by admins, in the audit log, and never so that no admin is left."""

from typing import Any

import pytest

from tests.api.conftest import Caller, SignIn
from tests.api.shopping import fields_of, keyed, refused
from tests.builders import Shop


@pytest.fixture
async def boss(sign_in: SignIn) -> Caller:
    return await sign_in("admin")


async def give(caller: Caller, to: Caller, role: str, **more: Any) -> Any:
    return await caller.post(f"/staff/{to.user_id}/role", json={"role": role}, **more)


async def test_an_admin_makes_somebody_staff_and_a_customer_again(boss: Caller, customer: Caller) -> None:
    assert (await give(boss, customer, "staff")).json()["role"] == "staff"
    listed = (await boss.get("/staff")).json()["items"]
    assert [(account["id"], account["role"]) for account in listed] == [
        (str(customer.user_id), "staff"),
        (str(boss.user_id), "admin"),
    ]
    assert (await give(boss, customer, "staff")).status_code == 200, "the same again"
    assert (await give(boss, customer, "customer")).json()["role"] == "customer"
    assert [account["id"] for account in (await boss.get("/staff")).json()["items"]] == [str(boss.user_id)]


async def test_another_role_is_in_the_log_and_ends_the_sessions(boss: Caller, customer: Caller, shop: Shop) -> None:
    await shop.rows(
        "INSERT INTO user_sessions (user_id, expires_at) VALUES (:id, now() + interval '1 day')", id=customer.user_id
    )
    await give(boss, customer, "admin")
    assert await shop.rows("SELECT end_reason FROM user_sessions") == [("role-changed",)]
    [entry] = (await boss.get("/audit", params={"subject_id": str(customer.user_id)})).json()["items"]
    assert (entry["action"], entry["actor_id"]) == ("staff.role", str(boss.user_id))
    assert entry["details"] == {"before": "customer", "after": "admin"}


async def test_a_key_gives_a_role_once(boss: Caller, customer: Caller) -> None:
    headers = keyed()
    await give(boss, customer, "staff", headers=headers)
    await give(boss, customer, "customer")
    again = await give(boss, customer, "staff", headers=headers)
    assert (again.headers["Idempotent-Replayed"], again.json()["role"]) == ("true", "customer")


async def test_nobody_gives_themselves_a_role_and_staff_give_none(
    boss: Caller, staff: Caller, customer: Caller
) -> None:
    for role in ("customer", "staff", "admin"):
        refused(await give(boss, boss, role), 403, "forbidden")
        refused(await give(staff, customer, role), 403, "forbidden")
        refused(await give(staff, staff, role), 403, "forbidden")
        refused(await give(customer, customer, role), 403, "forbidden")
    refused(await staff.get("/staff"), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "service"}, "body.role"),
        ({"role": "owner"}, "body.role"),
        ({"role": None}, "body.role"),
        ({}, "body.role"),
        ({"role": "staff", "is_active": True}, "body.is_active"),
    ],
    ids=str,
)
async def test_a_role_that_is_none_is_refused(boss: Caller, customer: Caller, body: dict[str, Any], field: str) -> None:
    answer = await boss.post(f"/staff/{customer.user_id}/role", json=body)
    assert fields_of(refused(answer, 422, "validation-failed")) == {field}
    assert (await boss.get(f"/customers/{customer.user_id}")).json()["role"] == "customer"


async def test_the_last_admin_keeps_the_role_whoever_asks(boss: Caller, sign_in: SignIn, shop: Shop) -> None:
    """By a token that is left over from when its owner was an admin too."""
    former = await sign_in("admin")
    await shop.rows("UPDATE users SET role = 'customer' WHERE id = :id", id=former.user_id)
    refused(await give(former, boss, "staff"), 409, "last-admin")
    refused(await former.post(f"/customers/{boss.user_id}/deactivate"), 409, "last-admin")
    assert (await boss.get(f"/customers/{boss.user_id}")).json()["role"] == "admin"
