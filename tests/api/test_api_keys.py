"""Keys of machines over HTTP: made and revoked by admins, good for what they were given and nothing of a person's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from domain.permissions import Permission
from services.api_keys import GRANTABLE
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import fields_of, keyed, refused
from tests.api.test_access import PUBLIC, SHOP, STAFF, bare, filled, routes
from tests.builders import Shop
from tests.queries import counted_queries

NEW = {"name": "Warehouse", "permissions": ["inventory:read", "inventory:write"]}


@pytest.fixture
async def admin(sign_in: SignIn) -> Caller:
    return await sign_in("admin")


async def make(admin: Caller, *permissions: str, **more: Any) -> dict[str, Any]:
    body = NEW | ({"permissions": list(permissions)} if permissions else {}) | more
    answer = await admin.post("/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def by(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}


async def test_a_key_is_shown_once_and_opens_what_it_was_given(admin: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    made = await make(admin)
    assert made["key"].startswith(made["prefix"])
    assert made["permissions"] == NEW["permissions"]
    assert made["created_by"] == str(admin.user_id)
    assert (await anonymous.get("/inventory/LAMP", headers=by(made))).status_code == 200
    (listed,) = (await admin.get("/api-keys")).json()["items"]
    assert "key" not in listed
    assert made["key"] not in str(listed)
    assert listed["last_used_at"]


async def test_a_machine_writes_with_a_key_of_idempotency_and_is_named_in_the_audit_log(
    admin: Caller, anonymous: Caller, shop: Shop
) -> None:
    await shop.product("LAMP", stock=5)
    made, key = await make(admin), keyed()
    body = {"delta": 2, "reason": "delivery"}
    answers = [await anonymous.post("/inventory/LAMP/adjustments", json=body, headers=by(made) | key) for _ in range(2)]
    assert [answer.is_success for answer in answers] == [True, True], answers[0].text
    assert "Idempotent-Replayed" in answers[1].headers
    assert await shop.stock("LAMP") == (7, 0)
    actors = await shop.rows(
        "SELECT u.role FROM audit_entries a JOIN users u ON u.id = a.actor_id WHERE a.action NOT LIKE 'api-key%'"
    )
    assert set(actors) == {("service",)}


async def test_a_key_without_a_permission_is_refused_by_what_needs_it(app: FastAPI, admin: Caller) -> None:
    made = await make(admin, "orders:read")
    machine = {"Authorization": f"Bearer {made['key']}"}
    open_to_it = set()
    for method, path in routes(app):
        if path.startswith("/api/v1/") and (method, bare(path)) not in PUBLIC:
            answer = await admin.request(method, f"{SHOP}{filled(path)}", headers=machine)
            assert answer.status_code != 401, path
            if answer.status_code == 403:
                refused(answer, 403, "forbidden")
            else:
                open_to_it.add((method, bare(path)))
    assert ("GET", "/orders") in open_to_it
    assert {path.split("/")[1] for _, path in open_to_it} == {"orders", "payments", "refunds", "returns", "ops"}
    assert open_to_it & STAFF == {("GET", "/ops/orders"), ("GET", "/orders/{order_id}/workflow")}
    own = {("POST", "/orders/{order_id}/payment-attempts")}  # of which a machine has none
    assert {(method, path) for method, path in open_to_it if method != "GET"} == own


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout-all"),
        ("POST", "/auth/password"),
        ("GET", "/customers/me"),
        ("DELETE", "/customers/me"),
        ("POST", "/orders/checkout"),
        ("POST", "/api-keys"),
        ("GET", "/api-keys"),
        ("GET", "/staff"),
        ("GET", "/audit"),
    ],
)
async def test_a_machine_with_everything_is_still_no_person_and_no_admin(
    admin: Caller, anonymous: Caller, method: str, path: str
) -> None:
    made = await make(admin, *(permission for permission in GRANTABLE if permission != Permission.AUDIT_READ))
    refused(await anonymous.request(method, path, headers=by(made)), 403, "forbidden")


async def test_a_machine_reads_orders_where_its_key_says_so(admin: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 1})
    reads, does_not = await make(admin, "orders:read"), await make(admin, "inventory:read")
    assert (await anonymous.get(f"/orders/{order_id}", headers=by(reads))).status_code == 200
    refused(await anonymous.get(f"/orders/{order_id}", headers=by(does_not)), 403, "forbidden")


@pytest.mark.parametrize("permission", ["payments:read", "orders:read"])
async def test_a_machine_sees_each_payment_that_it_may_list_or_whose_order_it_may_read(
    admin: Caller, anonymous: Caller, shop: Shop, permission: str
) -> None:
    await shop.product("LAMP")
    payment = await shop.payment(await shop.paid({"LAMP": 1}))
    reads, does_not = await make(admin, permission), await make(admin, "payments:write")
    for path in (f"/payments/{payment.id}", f"/payments/{payment.id}/refunds"):
        assert (await anonymous.get(path, headers=by(reads))).status_code == 200
        refused(await anonymous.get(path, headers=by(does_not)), 403, "forbidden")


async def test_a_revoked_key_opens_nothing_from_that_moment_on(admin: Caller, anonymous: Caller, shop: Shop) -> None:
    made = await make(admin)
    for _ in range(2):
        assert (await admin.delete(f"/api-keys/{made['id']}")).status_code == 204
    refused(await anonymous.get("/inventory", headers=by(made)), 401, "not-signed-in")
    actions = await shop.rows("SELECT action, subject_id FROM audit_entries ORDER BY at")
    assert actions == [("api-key.create", made["id"]), ("api-key.revoke", made["id"])]
    (listed,) = (await admin.get("/api-keys")).json()["items"]
    assert listed["revoked_at"]


async def test_a_key_expires(admin: Caller, anonymous: Caller, shop: Shop) -> None:
    made = await make(admin, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert (await anonymous.get("/inventory", headers=by(made))).status_code == 200
    await shop.rows("UPDATE api_keys SET expires_at = now()")
    refused(await anonymous.get("/inventory", headers=by(made)), 401, "not-signed-in")


@pytest.mark.parametrize("token", ["tw_", "tw_5f2c9a0d1e7b_wrong", "tw_" + "x" * 3000])
async def test_a_key_that_is_none_opens_nothing(anonymous: Caller, token: str) -> None:
    refused(await anonymous.get("/inventory", headers={"Authorization": f"Bearer {token}"}), 401, "not-signed-in")


async def test_nobody_signs_in_as_a_machine(admin: Caller, anonymous: Caller, shop: Shop) -> None:
    await make(admin)
    ((email,),) = await shop.rows("SELECT email FROM users WHERE role = 'service'")
    for password in ("!", "", "tw_"):
        answer = await anonymous.post("/auth/login", json={"email": email, "password": password})
        refused(answer, 401, "wrong-credentials")
    answer = await anonymous.post("/auth/password-reset", json={"email": email})
    refused(answer, 422, "validation-failed")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"permissions": []}, "body.permissions"),
        ({"permissions": ["staff:write"]}, "body.permissions.0"),
        ({"permissions": ["api-keys:write"]}, "body.permissions.0"),
        ({"permissions": ["everything"]}, "body.permissions.0"),
        ({"permissions": "inventory:read"}, "body.permissions"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "body.expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "body.expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "body.expires_at"),
        ({"name": " "}, "body.name"),
        ({"name": "x" * 121}, "body.name"),
        ({"key": "tw_mine"}, "body.key"),
        ({"user_id": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"}, "body.user_id"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_key_that_cannot_be_is_refused_by_its_field(
    admin: Caller, shop: Shop, change: dict[str, Any], field: str
) -> None:
    problem = refused(await admin.post("/api-keys", json=NEW | change), 422, "validation-failed")
    assert fields_of(problem) == {field}
    assert await shop.rows("SELECT 1 FROM api_keys") == []
    assert await shop.rows("SELECT 1 FROM users WHERE role = 'service'") == []


async def test_the_same_request_makes_one_key_and_does_not_show_it_again(admin: Caller, shop: Shop) -> None:
    key = keyed()
    first, again = [await admin.post("/api-keys", json=NEW, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json() | {"key": None}
    assert len(await shop.rows("SELECT 1 FROM users WHERE role = 'service'")) == 1


async def test_staff_and_customers_have_nothing_to_do_with_keys(staff: Caller, customer: Caller) -> None:
    for caller in (staff, customer):
        refused(await caller.post("/api-keys", json=NEW), 403, "forbidden")
        refused(await caller.get("/api-keys"), 403, "forbidden")
        refused(await caller.delete(f"/api-keys/{caller.user_id}"), 403, "forbidden")


async def test_a_key_that_is_not_there_is_not_found(admin: Caller) -> None:
    refused(await admin.delete(f"/api-keys/{admin.user_id}"), 404, "not-found")
    refused(await admin.delete("/api-keys/first"), 422, "validation-failed")


async def test_keys_are_listed_page_by_page(admin: Caller) -> None:
    made = [(await make(admin))["id"] for _ in range(3)]
    first = (await admin.get("/api-keys", params={"limit": 2})).json()
    rest = (await admin.get("/api-keys", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [key["id"] for key in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    refused(await admin.get("/api-keys", params={"cursor": "tampered"}), 422, "invalid-cursor")


async def test_a_machine_costs_one_query_more_than_a_person(app: FastAPI, admin: Caller, anonymous: Caller) -> None:
    made = await make(admin)
    await anonymous.get("/inventory", headers=by(made))  # notes the use of this minute
    with counted_queries(app.state.resources.database) as as_admin:
        await admin.get("/inventory")
    with counted_queries(app.state.resources.database) as as_machine:
        await anonymous.get("/inventory", headers=by(made))
    assert len(as_machine) == len(as_admin) + 1
