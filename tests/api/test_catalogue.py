"""Products, for anyone: pages, one product, and what is not to be seen."""

import asyncio
from typing import Any

import pytest

from core.database import Database
from models.catalogue import Category
from tests.api.conftest import Caller
from tests.api.shopping import refused, usd
from tests.builders import Shop


async def category(database: Database, slug: str) -> Any:
    async with database.transaction() as session:
        found = Category(slug=slug, name=slug.title())
        session.add(found)
        await session.flush()
    return found.id


async def listed(caller: Caller, **query: Any) -> dict[str, Any]:
    response = await caller.get("/products", params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def names(page: dict[str, Any]) -> list[str]:
    return [product["name"] for product in page["items"]]


async def test_a_product_is_shown_whole_in_the_list_and_alone(
    anonymous: Caller, shop: Shop, database: Database
) -> None:
    product_id = await shop.product("LAMP", brand="Hestia", category_id=await category(database, "lighting"))
    [listed_product] = (await listed(anonymous))["items"]
    assert listed_product == {
        "id": str(product_id), "slug": listed_product["slug"], "name": "The LAMP", "description": "",
        "brand": "Hestia", "category": {"slug": "lighting", "name": "Lighting"}, "in_stock": True,
        "status": "active", "attributes": {}, "images": [],
        "variants": [{"sku": "LAMP", "price": usd(1999), "options": {}}], "version": 1,
    }  # fmt: skip
    for way in (str(product_id), listed_product["slug"]):
        alone = await anonymous.get(f"/products/{way}")
        assert (alone.status_code, alone.json(), alone.headers["ETag"]) == (200, listed_product, '"1"')


async def test_a_list_has_twenty_items_unless_asked_otherwise_the_newest_first(anonymous: Caller, shop: Shop) -> None:
    await asyncio.gather(*(shop.product(f"P{n:02}") for n in range(24)))
    await shop.product("NEW")
    page = await listed(anonymous)
    assert len(page["items"]) == 20
    assert names(page)[0] == "The NEW"
    assert len((await listed(anonymous, limit=100))["items"]) == 25
    assert (await listed(anonymous, limit=100))["next_cursor"] is None


async def test_the_second_call_answers_as_the_first(anonymous: Caller, shop: Shop) -> None:
    for sku in ("LAMP", "VASE", "DESK"):
        await shop.product(sku)
    first = await listed(anonymous)
    assert names(first) == ["The DESK", "The VASE", "The LAMP"]
    for _ in range(3):
        assert await listed(anonymous) == first


@pytest.mark.parametrize("limit", [1, 4, 7, 9])
async def test_walking_the_cursors_shows_each_product_once_whatever_is_added_meanwhile(
    anonymous: Caller, shop: Shop, limit: int
) -> None:
    for n in range(9):
        await shop.product(f"P{n}")
    seen, cursor, pages = [], None, 0
    while True:
        page = await listed(anonymous, limit=limit, **({"cursor": cursor} if cursor else {}))
        seen += names(page)
        pages += 1
        await shop.product(f"MEANWHILE{pages}")
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [f"The P{n}" for n in reversed(range(9))]
    assert pages == -(-9 // limit)


@pytest.mark.parametrize("limit", ["0", "-1", "101", "many", "1.5", ""])
async def test_a_limit_outside_1_to_100_is_refused(anonymous: Caller, limit: str) -> None:
    refused(await anonymous.get("/products", params={"limit": limit}), 422, "validation-failed")


@pytest.mark.parametrize("cursor", ["", "a", "é", "WzEsMl0", "eyJhIjoxLCJiIjoyfQ", "bnVsbA", "IiI", "[]", "W10"])
async def test_a_cursor_that_the_list_did_not_give_out_is_refused(anonymous: Caller, cursor: str) -> None:
    refused(await anonymous.get("/products", params={"cursor": cursor}), 422, "invalid-cursor")


async def test_a_cursor_that_was_tampered_with_is_refused(anonymous: Caller, shop: Shop) -> None:
    for sku in ("LAMP", "VASE"):
        await shop.product(sku)
    cursor = (await listed(anonymous, limit=1))["next_cursor"]
    for tampered in (cursor[1:], cursor[:-2], cursor[:20] + "AAAA" + cursor[24:]):
        refused(await anonymous.get("/products", params={"cursor": tampered}), 422, "invalid-cursor")


async def test_a_category_and_a_brand_narrow_the_list(anonymous: Caller, shop: Shop, database: Database) -> None:
    lighting = await category(database, "lighting")
    await shop.product("LAMP", brand="Hestia", category_id=lighting)
    await shop.product("TORCH", brand="Vulcan", category_id=lighting)
    await shop.product("VASE", brand="Hestia")
    assert names(await listed(anonymous, category="lighting")) == ["The TORCH", "The LAMP"]
    assert names(await listed(anonymous, brand="Hestia")) == ["The VASE", "The LAMP"]
    assert names(await listed(anonymous, brand="Hestia", category="lighting")) == ["The LAMP"]
    assert (await listed(anonymous, category="nowhere"))["items"] == []


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_a_product_that_is_not_active_is_not_to_be_seen(anonymous: Caller, shop: Shop, status: str) -> None:
    product_id = await shop.product("SECRET", status=status)
    assert (await listed(anonymous))["items"] == []
    refused(await anonymous.get(f"/products/{product_id}"), 404, "not-found")


@pytest.mark.parametrize("name", ["no-such-lamp", "01a20f58-2e4b-741f-8e7d-678eece5d042", "%F0%9F%92%A1"])
async def test_an_unknown_product_is_not_found(anonymous: Caller, name: str) -> None:
    refused(await anonymous.get(f"/products/{name}"), 404, "not-found")


async def test_a_product_of_which_nothing_is_left_says_so(anonymous: Caller, shop: Shop) -> None:
    await shop.product("GONE", stock=0)
    [product] = (await listed(anonymous))["items"]
    assert product["in_stock"] is False


async def test_amounts_are_minor_units_of_their_currency(anonymous: Caller, shop: Shop) -> None:
    await shop.product("TOKYO", price=20, currency="JPY")
    await shop.product("KUWAIT", price=1500, currency="KWD")
    prices = [product["variants"][0]["price"] for product in (await listed(anonymous))["items"]]
    assert prices == [{"amount": 1500, "currency": "KWD"}, {"amount": 20, "currency": "JPY"}]
