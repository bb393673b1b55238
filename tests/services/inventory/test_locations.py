"""Several locations with one total: orders are served from any of them, and give back where they took."""

import pytest

from domain.errors import LocationTaken, NotFound, OutOfStock
from services import inventory
from services.inventory import locations
from tests.builders import Shop
from tests.queries import counted_queries
from tests.services.inventory.stockroom import Stockroom
from tests.services.inventory.test_holding import run


@pytest.fixture(autouse=True)
async def lamps(stockroom: Stockroom, shop: Shop) -> None:
    """Two at the main location, three in the annex, five in the barn."""
    await stockroom.add_location("barn")
    await shop.product("LAMP", stock=2)
    await stockroom.adjust("LAMP", location="barn", delta=5)
    await stockroom.adjust("LAMP", location="annex", delta=3)


async def test_an_order_is_served_from_the_main_location_first_and_then_by_code(
    stockroom: Stockroom, shop: Shop
) -> None:
    await shop.held({"LAMP": 1})
    assert await stockroom.there("LAMP") == {"main": (2, 1), "annex": (3, 0), "barn": (5, 0)}
    await shop.held({"LAMP": 5})
    assert await stockroom.there("LAMP") == {"main": (2, 2), "annex": (3, 3), "barn": (5, 1)}
    await shop.require_invariants()


async def test_a_location_that_was_added_last_stands_in_line_by_its_code(stockroom: Stockroom, shop: Shop) -> None:
    await stockroom.add_location("aisle")
    await stockroom.adjust("LAMP", location="aisle", delta=4)
    await shop.held({"LAMP": 5})
    assert await stockroom.there("LAMP") == {"main": (2, 2), "aisle": (4, 3), "annex": (3, 0), "barn": (5, 0)}


async def test_what_is_sold_leaves_every_location_that_it_was_held_at(stockroom: Stockroom, shop: Shop) -> None:
    order_id = await shop.held({"LAMP": 6})
    for _ in range(2):
        await run(shop, inventory.commit, order_id)
        assert await stockroom.there("LAMP") == {"main": (0, 0), "annex": (0, 0), "barn": (4, 0)}
    sales = [row for row in await stockroom.ledger("LAMP") if row[1] == "sale"]
    assert sorted(sales) == [("annex", "sale", -3), ("barn", "sale", -1), ("main", "sale", -2)]


@pytest.mark.parametrize("is_sold", [False, True])
async def test_what_is_given_back_returns_to_where_it_came_from(
    stockroom: Stockroom, shop: Shop, is_sold: bool
) -> None:
    order_id = await shop.held({"LAMP": 6})
    if is_sold:
        await run(shop, inventory.commit, order_id)
    for _ in range(2):
        await run(shop, inventory.release, order_id)
        assert await stockroom.there("LAMP") == {"main": (2, 0), "annex": (3, 0), "barn": (5, 0)}
    assert await shop.reservations(order_id) == {"released"}


async def test_what_is_available_is_the_total_of_all_locations(shop: Shop) -> None:
    await shop.held({"LAMP": 4})
    with pytest.raises(OutOfStock) as refused:
        await shop.held({"LAMP": 7})
    assert refused.value.facts["lines"] == [{"sku": "LAMP", "requested": 7, "available": 6}]


async def test_each_step_of_an_order_is_three_statements_however_many_lines_and_locations(shop: Shop) -> None:
    """While nothing runs low or out; the checkout waits for these."""
    for number in range(4):
        await shop.product(f"SHADE-{number}", stock=50)
    order_id = await shop.placed({"LAMP": 4} | {f"SHADE-{number}": 1 for number in range(4)})
    await shop.rows("UPDATE stock SET low_stock_threshold = 0")
    for step in (inventory.hold, inventory.commit, inventory.release):
        with counted_queries(shop.database) as asked:
            await run(shop, step, order_id)
        assert len(asked) == 3, step
    with counted_queries(shop.database) as asked:
        await run(shop, inventory.release, order_id)
    assert len(asked) == 1, "what is done already is only looked at"


async def test_a_picture_has_the_total_and_each_location(stockroom: Stockroom, shop: Shop) -> None:
    orders = [await shop.held({"LAMP": quantity}) for quantity in (3, 1)]
    picture = await stockroom.picture("LAMP")
    assert (picture.on_hand, picture.reserved, picture.available) == (10, 4, 6)
    assert [place.code for place in picture.locations] == ["main", "annex", "barn"]
    assert picture.held_by.count == 2
    assert [(holder.order_id, holder.quantity) for holder in picture.held_by.orders] == [(orders[1], 1), (orders[0], 3)]
    assert all(holder.number.startswith("TW-") for holder in picture.held_by.orders)


async def test_a_location_has_one_code(stockroom: Stockroom, shop: Shop) -> None:
    with pytest.raises(LocationTaken):
        await stockroom.add_location("barn")
    async with shop.database.transaction() as session:
        renamed = await locations.rename(session, stockroom.actor, "barn", "The barn")
        with pytest.raises(NotFound):
            await locations.rename(session, stockroom.actor, "attic", "The attic")
    assert (renamed.code, renamed.name) == ("barn", "The barn")
    async with shop.database.reading() as session:
        assert [location.code for location in await locations.page(session, 10, None)] == ["annex", "barn", "main"]
        assert [location.code for location in await locations.page(session, 10, "annex")] == ["barn", "main"]
