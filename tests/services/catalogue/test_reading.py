"""The catalogue as shoppers see it: complete pages, the newest first, and what a SKU costs now."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import NotFound
from domain.money import Money
from models.catalogue import Category, Variant
from services.catalogue import reading, selling
from services.catalogue.reading import Listing, ProductFilter
from services.catalogue.selling import Offer
from tests.builders import Shop
from tests.queries import counted_queries

ALL = ProductFilter()
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


async def newest(shop: Shop, limit: int = 20, wanted: ProductFilter = ALL, after: Any = None) -> list[Listing]:
    async with shop.database.transaction() as session:
        return await reading.newest(session, wanted, limit, after)


async def walk(shop: Shop, limit: int) -> list[UUID]:
    seen: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while found := await newest(shop, limit, after=after):
        seen += [listing.product.id for listing in found]
        after = (found[-1].product.created_at, found[-1].product.id)
    return seen


async def offers(shop: Shop, *skus: str) -> dict[str, Offer]:
    async with shop.database.transaction() as session:
        return await selling.offers(session, skus)


async def category(shop: Shop, slug: str) -> UUID:
    row = Category(slug=slug, name=slug.title())
    async with shop.database.transaction() as session:
        session.add(row)
        await session.flush()
    return row.id


async def many_products(shop: Shop, count: int) -> list[UUID]:
    """Listed in three moments only, so that the id must decide; the newest first."""
    listed: list[tuple[datetime, UUID]] = []
    for number in range(count):
        moment = JANUARY + timedelta(days=number % 3)
        listed.append((moment, await shop.product(f"SKU-{number}", created_at=moment)))
    return [product_id for _, product_id in sorted(listed, reverse=True)]


@pytest.mark.parametrize("limit", [1, 2, 4, 10, 11, 50])
async def test_the_pages_hold_every_product_once_and_the_newest_first(shop: Shop, limit: int) -> None:
    expected = await many_products(shop, 10)
    assert await walk(shop, limit) == expected


async def test_a_product_that_comes_while_somebody_turns_the_pages_moves_none(shop: Shop) -> None:
    expected = await many_products(shop, 6)
    first = await newest(shop, 3)
    await shop.product("NEWER")
    after = (first[-1].product.created_at, first[-1].product.id)
    second = await newest(shop, 3, after=after)
    assert [listing.product.id for listing in first + second] == expected


async def test_the_list_answers_the_second_time_what_it_answered_the_first(shop: Shop) -> None:
    expected = await many_products(shop, 3)
    for _ in range(3):
        assert [listing.product.id for listing in await newest(shop)] == expected


async def test_a_list_costs_the_same_whatever_its_length(shop: Shop) -> None:
    await many_products(shop, 20)
    for limit in (1, 5, 20):
        with counted_queries(shop.database) as asked:
            found = await newest(shop, limit)
        assert (len(found), len(asked)) == (limit, 2)
        assert all(listing.variants for listing in found)


async def test_what_is_not_active_is_not_shown(shop: Shop) -> None:
    shown = await shop.product("LAMP")
    for status in ("draft", "archived"):
        hidden = await shop.product(f"{status.upper()}-LAMP", status=status)
        async with shop.database.transaction() as session:
            with pytest.raises(NotFound):
                await reading.product(session, str(hidden))
    assert [listing.product.id for listing in await newest(shop)] == [shown]


async def test_a_list_can_be_of_a_category_or_a_brand(shop: Shop) -> None:
    lamps, chairs = await category(shop, "lamps"), await category(shop, "chairs")
    lamp = await shop.product("LAMP", category_id=lamps, brand="Volt")
    chair = await shop.product("CHAIR", category_id=chairs, brand="Volt")
    await shop.product("NAMELESS")
    by = {
        ProductFilter(category="lamps"): [lamp],
        ProductFilter(brand="Volt"): [chair, lamp],
        ProductFilter(category="chairs", brand="Volt"): [chair],
        ProductFilter(category="lamps", brand="Ohm"): [],
        ProductFilter(category="nowhere"): [],
    }
    for wanted, expected in by.items():
        assert [listing.product.id for listing in await newest(shop, wanted=wanted)] == expected
    found = (await newest(shop, wanted=ProductFilter(category="lamps")))[0]
    assert found.category is not None
    assert found.category.name == "Lamps"


async def test_a_product_is_found_by_its_id_and_by_its_slug_with_its_variants_in_order(shop: Shop) -> None:
    product_id = await shop.product("LAMP-M", stock=0)
    async with shop.database.transaction() as session:
        for sku, position in (("LAMP-S", -1), ("LAMP-L", 1)):
            session.add(Variant(product_id=product_id, sku=sku, position=position, price=1, currency="USD", options={}))
    async with shop.database.transaction() as session:
        by_id = await reading.product(session, str(product_id))
        by_slug = await reading.product(session, by_id.product.slug)
        with pytest.raises(NotFound):
            await reading.product(session, str(uuid4()))
        with pytest.raises(NotFound):
            await reading.product(session, "no-such-lamp")
    assert by_slug.product.id == by_id.product.id == product_id
    assert [variant.sku for variant in by_id.variants] == ["LAMP-S", "LAMP-M", "LAMP-L"]
    assert by_id.category is None
    assert not by_id.in_stock


async def test_a_product_is_in_stock_while_a_unit_of_it_is_free(shop: Shop) -> None:
    await shop.product("LAMP", stock=2)
    await shop.held({"LAMP": 1})
    assert [listing.in_stock for listing in await newest(shop)] == [True]
    await shop.held({"LAMP": 1})
    assert [listing.in_stock for listing in await newest(shop)] == [False]


async def test_an_offer_is_todays_price_and_what_is_left(shop: Shop) -> None:
    product_id = await shop.product("LAMP", stock=5, price=1999)
    await shop.product("OLD", status="archived", currency="EUR")
    await shop.held({"LAMP": 2})
    with counted_queries(shop.database) as asked:
        found = await offers(shop, "LAMP", "OLD", "UNKNOWN", "LAMP")
    assert len(asked) == 1
    assert set(found) == {"LAMP", "OLD"}
    assert found["LAMP"] == Offer("LAMP", product_id, "The LAMP", Money(1999, "USD"), available=3, sold=True)
    assert not found["OLD"].sold
    await shop.rows("UPDATE variants SET price = 5")
    assert (await offers(shop, "LAMP"))["LAMP"].price == Money(5, "USD")
    assert await offers(shop) == {}


async def test_a_sku_that_is_not_sold_has_no_offer(shop: Shop) -> None:
    await shop.product("OLD", status="archived")
    for sku in ("OLD", "UNKNOWN", "", "'; DROP TABLE users; --"):
        async with shop.database.transaction() as session:
            with pytest.raises(NotFound):
                await selling.offer(session, sku)


async def test_a_sku_that_was_never_in_stock_is_offered_with_none(shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.rows("DELETE FROM stock")
    assert (await offers(shop, "LAMP"))["LAMP"].available == 0
