"""What runs low, out, or comes back is told once, over all locations, in the transaction that makes it so."""

import pytest

from domain.errors import OutOfStock
from models.inventory import StockEventKind
from services import inventory
from services.inventory import events
from services.inventory.events import Course
from tests.builders import Shop
from tests.queries import counted_queries
from tests.services.inventory.stockroom import Stockroom
from tests.services.inventory.test_holding import run


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (9, 6, []), (6, 5, ["low"]), (9, 1, ["low"]), (5, 4, []), (9, 0, ["low", "out"]), (4, 0, ["out"]),
        (0, 0, []), (0, 3, ["back"]), (0, 90, ["back"]), (4, 9, []), (5, 5, []),
    ],
)  # fmt: skip
def test_a_line_is_crossed_in_one_direction(before: int, after: int, kinds: list[str]) -> None:
    assert Course("LAMP", before, after, threshold=5).events() == kinds


def test_with_a_threshold_of_zero_low_and_out_are_the_same() -> None:
    assert Course("LAMP", 1, 0, threshold=0).events() == ["low", "out"]


async def test_a_hold_that_takes_the_last_units_says_so_and_its_release_says_they_are_back(
    stockroom: Stockroom, shop: Shop
) -> None:
    await shop.product("LAMP", stock=8)
    heard = await stockroom.told_to_search("LAMP")
    await shop.held({"LAMP": 2})
    assert (await stockroom.events("LAMP"), await stockroom.told_to_search("LAMP")) == ([], heard)
    await shop.held({"LAMP": 3})
    assert (await stockroom.events("LAMP"), await stockroom.told_to_search("LAMP")) == (["low"], heard)
    last = await shop.held({"LAMP": 3})
    assert await stockroom.events("LAMP") == ["low", "out"]
    assert await stockroom.told_to_search("LAMP") == heard + 1
    for _ in range(2):
        await run(shop, inventory.release, last)
        assert await stockroom.events("LAMP") == ["low", "out", "back"]
    assert await stockroom.told_to_search("LAMP") == heard + 2


async def test_a_sale_crosses_nothing_and_its_undoing_does(stockroom: Stockroom, shop: Shop) -> None:
    """The hold took the units; the sale turns them into none."""
    await shop.product("LAMP", stock=2)
    order_id = await shop.held({"LAMP": 2})
    await run(shop, inventory.commit, order_id)
    assert await stockroom.events("LAMP") == ["out"]
    await run(shop, inventory.release, order_id)
    assert await stockroom.events("LAMP") == ["out", "back"]


async def test_only_the_skus_that_cross_are_told(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=2)
    await shop.product("SHADE", stock=200)
    heard = await stockroom.told_to_search("SHADE")
    await shop.held({"LAMP": 2, "SHADE": 2})
    assert (await stockroom.events("LAMP"), await stockroom.events("SHADE")) == (["out"], [])
    assert await stockroom.told_to_search("SHADE") == heard


async def test_it_is_the_total_that_crosses_and_not_one_location(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=2)
    await stockroom.adjust("LAMP", location="annex", delta=20)
    await stockroom.adjust("LAMP", delta=-2)
    await stockroom.transfer("LAMP", "annex", "main", 15)
    assert await stockroom.events("LAMP") == []
    await shop.held({"LAMP": 16})
    assert await stockroom.events("LAMP") == ["low"]
    await shop.held({"LAMP": 4})
    assert await stockroom.events("LAMP") == ["low", "out"]


async def test_a_hold_that_is_refused_tells_nothing(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=6)
    with pytest.raises(OutOfStock):
        await shop.held({"LAMP": 7})
    assert await stockroom.events("LAMP") == []


async def test_a_sku_that_is_low_by_a_new_threshold_is_an_event(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=8)
    for threshold in (7, 8, 9, 3, 8):
        await stockroom.set_threshold("LAMP", threshold)
    assert await stockroom.events("LAMP") == ["low", "low"]
    rows = await shop.rows("SELECT available, threshold FROM stock_events ORDER BY id")
    assert rows == [(8, 8), (8, 8)]


async def test_what_crosses_costs_two_statements_more_whatever_the_number(shop: Shop) -> None:
    lines = {f"SKU-{number}": 2 for number in range(6)}
    for sku in lines:
        await shop.product(sku, stock=2)
    order_id = await shop.placed(lines)
    with counted_queries(shop.database) as asked:
        await run(shop, inventory.hold, order_id)
    assert len(asked) == 5
    assert await shop.rows("SELECT count(*) FROM stock_events WHERE kind = 'out'") == [(6,)]


async def test_the_events_are_listed_the_newest_first(stockroom: Stockroom, shop: Shop) -> None:
    for sku in ("LAMP", "SHADE"):
        await shop.product(sku, stock=6)
        await stockroom.adjust(sku, delta=-6)
        await stockroom.adjust(sku, delta=+6)
    async with shop.database.reading() as session:
        found = await events.page(session, 10, None)
        assert [(event.sku, event.kind) for event in found] == [
            ("SHADE", "back"), ("SHADE", "out"), ("SHADE", "low"), ("LAMP", "back"), ("LAMP", "out"), ("LAMP", "low"),
        ]  # fmt: skip
        assert await events.page(session, 2, found[1].id) == found[2:4]
        assert [event.kind for event in await events.page(session, 10, None, sku="LAMP")] == ["back", "out", "low"]
        assert {event.sku for event in await events.page(session, 10, None, kind=StockEventKind.LOW)} == {
            "LAMP",
            "SHADE",
        }
