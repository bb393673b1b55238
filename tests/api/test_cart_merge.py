"""A guest who signs in keeps what was in the cart: asked for by `POST /carts/merge`, or at the sign-in."""

import asyncio
from typing import Any

import httpx
import pytest

from services.passwords import hash_password
from tests.api.conftest import Caller, SignIn, Wires
from tests.api.shopping import COD, add, cart_of, check_out, keyed, refused, usd
from tests.builders import Shop

PASSWORD = "analytical engine"


async def guests(anonymous: Caller, quantities: dict[str, int]) -> str:
    """The token of a guest's cart with these units in it."""
    token: str = (await anonymous.post("/carts")).json()["cart_token"]
    for sku, quantity in quantities.items():
        line = {"sku": sku, "quantity": quantity}
        assert (await anonymous.post("/carts/items", json=line, headers={"X-Cart-Token": token})).status_code == 200
    return token


async def merge(caller: Caller, token: str, **headers: str) -> httpx.Response:
    return await caller.post("/carts/merge", json={"cart_token": token}, headers=headers)


async def test_the_units_move_into_the_callers_cart(customer: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", price=1000, stock=50)
    await shop.product("VASE", price=300)
    mine = await add(customer, "LAMP", 2)
    token = await guests(anonymous, {"VASE": 1, "LAMP": 3})
    merged = await merge(customer, token)
    assert (merged.status_code, merged.headers["ETag"]) == (200, '"2"')
    cart = merged.json()
    assert (cart["id"], cart["problems"], cart["totals"]["total"]) == (mine["id"], [], usd(5300))
    assert [(item["sku"], item["quantity"]) for item in cart["items"]] == [("LAMP", 5), ("VASE", 1)]
    assert "cart_token" not in cart
    gone = await anonymous.get("/carts/current", headers={"X-Cart-Token": token})
    refused(gone, 404, "cart-token-unknown")


async def test_merged_again_and_at_once_no_unit_counts_twice(customer: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=50)
    await add(customer, "LAMP", 2)
    token = await guests(anonymous, {"LAMP": 3})
    answers = await asyncio.gather(*(merge(customer, token) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert await cart_of(customer) == {"LAMP": 5}
    assert (await merge(customer, token)).json()["items"] == answers[0].json()["items"]


async def test_somebody_elses_repetition_gets_nothing(
    customer: Caller, stranger: Caller, anonymous: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    token = await guests(anonymous, {"LAMP": 1})
    await merge(customer, token)
    refused(await merge(stranger, token), 404, "cart-token-unknown")
    assert await cart_of(stranger) == {}


async def test_what_does_not_fit_stays_with_the_guest_and_is_told_each_time(
    customer: Caller, anonymous: Caller, shop: Shop
) -> None:
    await shop.product("LAMP", stock=5000)
    await shop.product("LAMPE", currency="EUR")
    await add(customer, "LAMP", 600)
    token = await guests(anonymous, {"LAMP": 500})
    euros = await guests(anonymous, {"LAMPE": 2})
    for _ in range(2):
        [problem] = (await merge(customer, token)).json()["problems"]
        assert (problem["code"], problem["sku"], problem["left_out"]) == ("quantity-out-of-range", "LAMP", 101)
        [problem] = (await merge(customer, euros)).json()["problems"]
        assert (problem["code"], problem["sku"], problem["left_out"]) == ("currency-mismatch", "LAMPE", 2)
    assert await cart_of(customer) == {"LAMP": 999}
    left = (await anonymous.get("/carts/current", headers={"X-Cart-Token": token})).json()
    assert [(item["sku"], item["quantity"]) for item in left["items"]] == [("LAMP", 101)]


async def test_stock_does_not_stop_a_merge_but_is_told(customer: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 4)
    cart = (await merge(customer, await guests(anonymous, {"LAMP": 3}))).json()
    [problem] = cart["problems"]
    assert (problem["code"], problem["requested"], problem["available"]) == ("out-of-stock", 7, 5)
    refused(await check_out(customer, COD), 409, "out-of-stock")


async def test_a_merge_honours_if_match_and_keys(customer: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=50)
    version = (await add(customer, "LAMP", 2))["version"]
    token = await guests(anonymous, {"LAMP": 3})
    refused(await merge(customer, token, **{"If-Match": f'"{version + 1}"'}), 412, "stale")
    headers = {"If-Match": f'"{version}"', **keyed()}
    first, again = await merge(customer, token, **headers), await merge(customer, token, **headers)
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert again.json() == first.json()
    refused(await merge(customer, "another", **headers), 422, "idempotency-key-reused")
    line = {"sku": "LAMP", "quantity": 1}
    refused(await customer.post("/carts/items", json=line, headers=headers), 422, "idempotency-key-reused")
    refused(await customer.post("/orders/checkout", json=COD, headers=headers), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    "body", [{}, {"cart_token": ""}, {"cart_token": 1}, {"cart_token": None}, {"cart_token": "x" * 201},
             {"cart_token": "a\0b"}, {"cart_token": "x", "user_id": "y"}, [], None]
)  # fmt: skip
async def test_a_body_that_is_no_token_is_refused(customer: Caller, body: Any) -> None:
    refused(await customer.post("/carts/merge", json=body), 422, "validation-failed")


async def test_an_unknown_token_merges_nothing_and_opens_no_cart(customer: Caller) -> None:
    refused(await merge(customer, "A" * 43), 404, "cart-token-unknown")
    assert (await customer.post("/carts")).status_code == 201


async def test_a_guest_merges_into_nothing(anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    refused(await merge(anonymous, await guests(anonymous, {"LAMP": 1})), 401, "not-signed-in")


@pytest.fixture
async def ada(sign_in: SignIn, shop: Shop) -> Caller:
    """A customer who can sign in by password."""
    caller = await sign_in()
    hashed = await hash_password(PASSWORD)
    await shop.rows(
        "UPDATE users SET email = 'ada@example.com', password_hash = :hashed WHERE id = :id",
        hashed=hashed, id=caller.user_id,
    )  # fmt: skip
    return caller


async def log_in(anonymous: Caller, token: str, password: str = PASSWORD) -> httpx.Response:
    body = {"email": "ada@example.com", "password": password}
    return await anonymous.post("/auth/login", json=body, headers={"X-Cart-Token": token})


async def test_a_sign_in_brings_the_guests_cart_along_once(ada: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=50)
    await add(ada, "LAMP", 2)
    token = await guests(anonymous, {"LAMP": 3})
    for _ in range(2):
        answer = await log_in(anonymous, token)
        assert answer.status_code == 200
        assert await cart_of(ada) == {"LAMP": 5}
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}


async def test_a_wrong_password_moves_nothing(ada: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    token = await guests(anonymous, {"LAMP": 3})
    refused(await log_in(anonymous, token, "a guess"), 401, "wrong-credentials")
    assert await cart_of(ada) == {}
    assert (await merge(ada, token)).json()["items"][0]["quantity"] == 3


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "x" * 10_000])
async def test_a_token_that_is_none_stops_no_sign_in(ada: Caller, anonymous: Caller, token: str) -> None:
    assert (await log_in(anonymous, token)).status_code == 200


async def test_what_a_sign_in_leaves_behind_a_merge_tells(ada: Caller, anonymous: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("LAMPE", currency="EUR")
    await add(ada, "LAMP")
    token = await guests(anonymous, {"LAMPE": 2})
    assert (await log_in(anonymous, token)).status_code == 200
    assert await cart_of(ada) == {"LAMP": 1}
    [problem] = (await merge(ada, token)).json()["problems"]
    assert (problem["code"], problem["left_out"]) == ("currency-mismatch", 2)


async def test_without_redis_a_sign_in_goes_on_and_the_cart_is_brought_later(
    ada: Caller, anonymous: Caller, shop: Shop, wires: Wires
) -> None:
    await shop.product("LAMP")
    token = await guests(anonymous, {"LAMP": 3})
    wires.redis.cut()
    assert (await log_in(anonymous, token)).status_code == 200
    await wires.redis.mend()
    assert (await merge(ada, token)).json()["items"][0]["quantity"] == 3
