"""Idempotency-Keys on carts, and a line whose currency changed."""

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import add, cart_of, check_out, keyed, refused, usd
from tests.builders import Shop

LINE = {"sku": "LAMP", "quantity": 2}


async def test_opening_with_a_key_answers_the_same_again(customer: Caller) -> None:
    headers = keyed()
    first, again = [await customer.post("/carts", headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert (await customer.post("/carts", headers=keyed())).status_code == 200


async def test_a_key_of_an_opened_cart_adds_nothing(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    await customer.post("/carts", headers=headers)
    refused(await customer.post("/carts/items", json=LINE, headers=headers), 422, "idempotency-key-reused")
    other = keyed()
    assert (await customer.post("/carts/items", json=LINE, headers=other)).status_code == 200
    refused(await customer.post("/carts", headers=other), 422, "idempotency-key-reused")


@pytest.mark.parametrize("end", ["the product is archived", "the cart is deleted"])
async def test_a_keyed_add_is_answered_again_whatever_came_of_it(customer: Caller, shop: Shop, end: str) -> None:
    await shop.product("LAMP")
    headers = keyed()
    await customer.post("/carts/items", json=LINE, headers=headers)
    if end == "the product is archived":
        await shop.rows("UPDATE products SET status = 'archived'")
    else:
        await customer.delete("/carts/current")
    again = await customer.post("/carts/items", json=LINE, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert await cart_of(customer) == ({} if end == "the cart is deleted" else {"LAMP": LINE["quantity"]})


async def test_a_line_whose_currency_changed_is_no_longer_sold_here(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("VASE", price=300)
    await add(customer, "LAMP")
    await add(customer, "VASE")
    await shop.rows("UPDATE variants SET currency = 'EUR' WHERE sku = 'LAMP'")
    cart = (await customer.get("/carts/current")).json()
    assert [problem["code"] for problem in cart["problems"]] == ["no-longer-sold"]
    assert cart["totals"]["total"] == usd(300)
    problem = refused(await check_out(customer), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 1, "available": 0}]
