"""What a cart says has changed since its lines were set: stock, price, or whether they are sold at all."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import COD, add, check_out, refused, usd
from tests.builders import Shop


async def problems_of(caller: Caller) -> list[dict[str, Any]]:
    """The cart's problems, which are those of its lines."""
    cart = (await caller.get("/carts/current")).json()
    problems: list[dict[str, Any]] = cart["problems"]
    assert problems == [problem for item in cart["items"] for problem in item["problems"]]
    assert all(problem["detail"] for problem in problems)
    return [{name: value for name, value in problem.items() if name != "detail"} for problem in problems]


async def test_a_price_that_changed_is_told_with_both_until_the_line_is_set_again(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", price=1000)
    await shop.product("VASE", price=300)
    await add(customer, "LAMP", 2)
    await add(customer, "VASE")
    assert await problems_of(customer) == []
    await shop.rows("UPDATE variants SET price = price + 100")
    lamp, vase = (
        {"code": "price-changed", "sku": sku, "was": usd(was), "now": usd(was + 100)}
        for sku, was in (("LAMP", 1000), ("VASE", 300))
    )
    assert await problems_of(customer) == [lamp, vase]
    assert await problems_of(customer) == [lamp, vase], "reading acknowledges nothing"
    await add(customer, "LAMP")
    assert await problems_of(customer) == [vase]
    await customer.patch("/carts/items/VASE", json={"quantity": 1})
    assert await problems_of(customer) == []


async def test_a_price_that_came_back_is_no_problem(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP")
    await shop.rows("UPDATE variants SET price = 1")
    await shop.rows("UPDATE variants SET price = 1000")
    assert await problems_of(customer) == []


async def test_what_is_free_now_is_told_too(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", price=0)
    await add(customer, "LAMP")
    assert await problems_of(customer) == []
    await shop.rows("UPDATE variants SET price = 5")
    assert await problems_of(customer) == [
        {"code": "price-changed", "sku": "LAMP", "was": usd(0), "now": usd(5)},
    ]


@pytest.mark.spoils_books
async def test_stock_that_fell_is_told_with_what_is_left(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 4)
    await shop.rows("UPDATE stock SET reserved = 2")
    short = {"code": "out-of-stock", "sku": "LAMP", "requested": 4, "available": 3}
    assert await problems_of(customer) == [short]
    assert (await customer.patch("/carts/items/LAMP", json={"quantity": 3})).json()["problems"] == []


@pytest.mark.spoils_books
async def test_stock_and_price_may_both_be_a_lines_problem(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 4)
    await shop.rows("UPDATE stock SET reserved = 5")
    await shop.rows("UPDATE variants SET price = 5")
    assert [problem["code"] for problem in await problems_of(customer)] == ["out-of-stock", "price-changed"]


@pytest.mark.parametrize(
    "end", ["UPDATE products SET status = 'archived'", "UPDATE variants SET currency = 'EUR'", "DELETE FROM variants"]
)
async def test_what_is_no_longer_sold_stays_in_view_costs_nothing_and_can_only_be_taken_out(
    customer: Caller, shop: Shop, end: str
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP", 2)
    if end.startswith("DELETE"):
        await shop.rows("DELETE FROM stock_movements")
        await shop.rows("DELETE FROM stock")
    await shop.rows(end)
    assert await problems_of(customer) == [{"code": "no-longer-sold", "sku": "LAMP"}]
    cart = (await customer.get("/carts/current")).json()
    [item] = cart["items"]
    assert (item["unit_price"], item["line_total"], item["available"], item["quantity"]) == (None, None, 0, 2)
    assert cart["totals"]["total"] == usd(0)
    answer = await customer.patch("/carts/items/LAMP", json={"quantity": 1})
    refused(answer, *((422, "currency-mismatch") if "EUR" in end else (404, "not-found")))
    refused(await check_out(customer, COD), 409, "out-of-stock")
    removed = await customer.delete("/carts/items/LAMP")
    assert (removed.status_code, removed.json()["items"]) == (200, [])


@pytest.mark.spoils_books
async def test_a_read_changes_nothing(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 4)
    await shop.rows("UPDATE stock SET reserved = 5")
    await shop.rows("UPDATE variants SET price = 5")
    first, again = [await customer.get("/carts/current") for _ in range(2)]
    assert (first.json(), first.headers["ETag"]) == (again.json(), again.headers["ETag"])
    assert first.json()["version"] == 1
