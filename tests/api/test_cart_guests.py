"""Guests: a cart for whoever has its token, without an account."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from tests.api.conftest import Caller
from tests.api.shopping import COD, add, check_out, fields_of, keyed, refused, usd
from tests.builders import Shop

LINE = {"sku": "LAMP", "quantity": 2}


def sending(token: str, **more: str) -> dict[str, str]:
    return {"X-Cart-Token": token, **more}


async def guest_cart(anonymous: Caller, **line: Any) -> dict[str, Any]:
    """A new guest's cart with this line in it."""
    answer = await anonymous.post("/carts/items", json=LINE | line)
    assert answer.status_code == 200, answer.text
    cart: dict[str, Any] = answer.json()
    return cart


async def test_a_guest_opens_a_cart_and_comes_back_with_its_token(anonymous: Caller, shop: Shop) -> None:
    opened = await anonymous.post("/carts")
    assert (opened.status_code, opened.headers["ETag"], opened.headers["Cache-Control"]) == (201, '"0"', "no-store")
    cart = opened.json()
    assert set(cart) == {"id", "version", "items", "totals", "problems", "expires_at", "cart_token"}
    left = datetime.fromisoformat(cart["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < left <= timedelta(days=7), "shorter than a user's"
    headers = sending(cart["cart_token"])
    again = await anonymous.post("/carts", headers=headers)
    assert (again.status_code, again.json()) == (200, cart)
    assert (await anonymous.get("/carts/current", headers=headers)).json() == cart
    assert (await anonymous.post("/carts")).json()["id"] != cart["id"], "another guest"


async def test_the_first_line_opens_a_guests_cart_and_its_lines_change_like_a_users(
    anonymous: Caller, shop: Shop
) -> None:
    await shop.product("LAMP", price=1000)
    await shop.product("VASE", price=300)
    cart = await guest_cart(anonymous)
    assert (cart["items"][0]["quantity"], cart["totals"]["total"]) == (2, usd(2000))
    headers = sending(cart["cart_token"])
    more = await anonymous.post("/carts/items", json={"sku": "VASE", "quantity": 1}, headers=headers)
    assert (more.json()["id"], more.json()["cart_token"]) == (cart["id"], cart["cart_token"])
    changed = await anonymous.patch("/carts/items/LAMP", json={"quantity": 1}, headers=headers)
    assert changed.json()["totals"]["total"] == usd(1300)
    removed = await anonymous.delete("/carts/items/LAMP", headers=headers)
    assert [item["sku"] for item in removed.json()["items"]] == ["VASE"]
    assert (await anonymous.delete("/carts/current", headers=headers)).status_code == 204
    refused(await anonymous.get("/carts/current", headers=headers), 404, "cart-token-unknown")


async def test_a_refused_first_line_opens_no_cart(anonymous: Caller, shop: Shop, redis: Redis) -> None:
    await shop.product("LAMP", stock=1)
    refused(await anonymous.post("/carts/items", json=LINE), 409, "out-of-stock")
    refused(await anonymous.post("/carts/items", json=LINE | {"sku": "NOPE"}), 404, "not-found")
    assert await redis.keys("cart:*") == []


async def test_a_guests_changes_honour_if_match_and_keys(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    token = (await guest_cart(anonymous))["cart_token"]
    stale, current = ({"If-Match": f'"{version}"'} for version in (0, 1))
    for method, path, body in (("POST", "", LINE), ("PATCH", "/LAMP", {"quantity": 1}), ("DELETE", "/LAMP", None)):
        answer = await anonymous.request(method, f"/carts/items{path}", json=body, headers=sending(token, **stale))
        refused(answer, 412, "stale")
    refused(await anonymous.delete("/carts/current", headers=sending(token, **stale)), 412, "stale")
    headers = sending(token, **current, **keyed())
    first, again = [await anonymous.post("/carts/items", json=LINE, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert again.json()["items"][0]["quantity"] == 4
    other = await anonymous.post("/carts/items", json=LINE | {"quantity": 1}, headers=headers)
    refused(other, 422, "idempotency-key-reused")


TOKENS = ["x", "A" * 43, "x" * 60_000, "ÄÖÜ", "}:*", "guest:x", "null", " "]


@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
async def test_a_token_that_is_none_is_told_and_opens_nothing(
    anonymous: Caller, shop: Shop, redis: Redis, token: str
) -> None:
    await shop.product("LAMP")
    headers = httpx.Headers({"X-Cart-Token": token}, encoding="latin-1")
    for method, path, body in (
        ("POST", "/carts", None), ("GET", "/carts/current", None), ("DELETE", "/carts/current", None),
        ("POST", "/carts/items", LINE), ("PATCH", "/carts/items/LAMP", {"quantity": 1}),
        ("DELETE", "/carts/items/LAMP", None),
    ):  # fmt: skip
        answer = await anonymous.request(method, path, json=body, headers=headers)
        assert "cart_token" not in refused(answer, 404, "cart-token-unknown")
    assert await redis.keys("cart:*") == []


async def test_a_guest_without_a_token_has_no_cart_to_read_or_change(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    for method, path, body in (
        ("GET", "/carts/current", None), ("DELETE", "/carts/current", None), ("DELETE", "/carts/items/LAMP", None),
        ("PATCH", "/carts/items/LAMP", {"quantity": 1}),
    ):  # fmt: skip
        refused(await anonymous.request(method, path, json=body), 404, "cart-token-unknown")


async def test_a_cart_that_ran_out_is_told_and_another_can_be_opened(
    anonymous: Caller, shop: Shop, redis: Redis
) -> None:
    await shop.product("LAMP")
    token = (await guest_cart(anonymous))["cart_token"]
    [key] = await redis.keys("cart:*")
    await redis.delete(key)
    refused(await anonymous.post("/carts/items", json=LINE, headers=sending(token)), 404, "cart-token-unknown")
    assert (await anonymous.post("/carts")).status_code == 201


async def test_a_signed_in_callers_own_cart_wins_over_the_token(
    customer: Caller, anonymous: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    guests = await guest_cart(anonymous)
    headers = sending(guests["cart_token"])
    mine = await customer.post("/carts/items", json=LINE | {"quantity": 1}, headers=headers)
    assert "cart_token" not in mine.json()
    assert mine.json()["items"][0]["quantity"] == 1
    assert (await anonymous.get("/carts/current", headers=headers)).json() == guests


async def test_a_guest_cannot_check_out(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    anonymous.headers["X-Cart-Token"] = (await guest_cart(anonymous))["cart_token"]
    refused(await check_out(anonymous, COD), 401, "not-signed-in")


async def test_a_guests_tabs_lose_nothing(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=100)
    anonymous.headers["X-Cart-Token"] = (await anonymous.post("/carts")).json()["cart_token"]
    await asyncio.gather(*(add(anonymous, "LAMP", 2) for _ in range(20)))
    cart = (await anonymous.get("/carts/current")).json()
    assert [item["quantity"] for item in cart["items"]] == [40]


async def test_a_cart_takes_no_token_in_its_body(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    answer = await anonymous.post("/carts/items", json=LINE | {"cart_token": "x"})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.cart_token"}
