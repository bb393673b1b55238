"""Erasing one's account over HTTP: the cart and the sessions go with it, and while an order is under way it stays."""

import httpx
import pytest
from fastapi import FastAPI

from api.dependencies import Resources
from services.sessions import ended_key
from tests.api.conftest import Caller, SignIn, Wires
from tests.api.shopping import ADDRESS, add, refused
from tests.builders import Shop


async def test_an_erased_account_is_gone_with_its_cart(
    customer: Caller, staff: Caller, shop: Shop, resources: Resources
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP", 2)
    await customer.post("/customers/me/addresses", json=ADDRESS)
    answer = await customer.delete("/customers/me")
    assert (answer.status_code, answer.content) == (204, b"")
    assert customer.user_id is not None
    cart, is_new = await resources.carts.open(customer.user_id)
    assert (is_new, dict(cart.quantities)) == (True, {})
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/export")):
        refused(await customer.request(method, f"/customers/me{path}"), 401, "not-signed-in")
    refused(await customer.put("/customers/me/preferences", json={}), 401, "not-signed-in")
    refused(await customer.post("/customers/me/addresses", json=ADDRESS), 401, "not-signed-in")
    seen = (await staff.get(f"/customers/{customer.user_id}")).json()
    assert (seen["status"], seen["email"]) == ("erased", f"erased-{customer.user_id}@erased.invalid")
    assert (seen["full_name"], seen["phone"], seen["email_verified"]) == ("Erased", None, False)


async def test_its_sessions_are_announced_as_ended(customer: Caller, shop: Shop, resources: Resources) -> None:
    [(session_id,)] = await shop.rows(
        "INSERT INTO user_sessions (user_id, expires_at) VALUES (:id, now() + interval '1 day') RETURNING id",
        id=customer.user_id,
    )
    assert (await customer.delete("/customers/me")).status_code == 204
    assert await resources.redis.exists(ended_key(session_id))


async def test_an_order_under_way_is_named_and_the_account_stays(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 1}, user_id=customer.user_id)
    problem = refused(await customer.delete("/customers/me"), 409, "orders-open")
    [order] = problem["orders"]
    assert (order["id"], order["status"]) == (str(order_id), "confirmed")
    assert order["number"].startswith("TW-")
    assert (await customer.get("/customers/me")).json()["full_name"] == "Ada Shopper"


async def test_what_was_ordered_is_still_shown_to_staff_without_the_person(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    order_id = await shop.cancelled({"LAMP": 1}, user_id=customer.user_id)
    before = (await staff.get(f"/orders/{order_id}")).json()
    await customer.delete("/customers/me")
    after = (await staff.get(f"/orders/{order_id}")).json()
    assert after == before | {"shipping_address": {"country": "US"}}


async def test_an_account_that_is_erased_orders_nothing_with_a_token_that_is_left(
    customer: Caller, shop: Shop, app: FastAPI
) -> None:
    await shop.product("LAMP")
    await customer.delete("/customers/me")
    await add(customer, "LAMP")
    body = {"payment_method": "cod", "shipping_address": ADDRESS}
    answer = await customer.post("/orders/checkout", json=body, headers={"Idempotency-Key": "0123456789abcdef"})
    refused(answer, 401, "not-signed-in")
    assert await shop.rows("SELECT count(*) FROM checkout_requests") == [(0,)]


async def test_the_last_admin_stays(sign_in: SignIn) -> None:
    boss = await sign_in("admin")
    refused(await boss.delete("/customers/me"), 409, "last-admin")
    await sign_in("admin")
    assert (await boss.delete("/customers/me")).status_code == 204


@pytest.mark.parametrize("body", [b"{}", b"not json", b'{"password": "x"}'])
async def test_a_body_is_not_looked_at(customer: Caller, body: bytes) -> None:
    request = httpx.Request("DELETE", f"{customer.base_url}customers/me", content=body, headers=customer.headers)
    assert (await customer.send(request)).status_code == 204


async def test_without_redis_nothing_is_erased(customer: Caller, wires: Wires, shop: Shop) -> None:
    wires.redis.cut()
    refused(await customer.delete("/customers/me"), 503, "unavailable")
    assert await shop.rows("SELECT full_name, erased_at FROM users") == [("Ada Shopper", None)]
