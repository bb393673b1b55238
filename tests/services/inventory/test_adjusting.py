"""What staff correct by hand: by a difference, by comparing and setting, from one location to another."""

import pytest

from domain.errors import BelowReserved, Fact, NotFound, Stale, StockChanged, TooManyUnits
from services.inventory import reading
from services.inventory.adjusting import Adjustment, Transfer
from services.inventory.shelves import MOST_UNITS
from tests.builders import Shop
from tests.services.inventory.stockroom import Stockroom


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)


async def test_a_difference_is_added_and_the_ledger_says_who_and_why(stockroom: Stockroom, shop: Shop) -> None:
    movement_id = await stockroom.adjust("LAMP", delta=-3)
    assert await stockroom.there("LAMP") == {"main": (7, 0)}
    rows = await shop.rows("SELECT delta, kind, reason, actor_id FROM stock_movements WHERE id = :id", id=movement_id)
    assert rows == [(-3, "adjustment", "because", stockroom.actor.id)]
    await shop.require_invariants()


async def test_what_is_set_holds_while_the_book_says_what_was_expected(stockroom: Stockroom) -> None:
    await stockroom.adjust("LAMP", set_to=4, expected_on_hand=10)
    with pytest.raises(StockChanged) as refused:
        await stockroom.adjust("LAMP", set_to=40, expected_on_hand=10)
    assert refused.value.facts == {"location": "main", "on_hand": 4, "expected_on_hand": 10}
    assert await stockroom.there("LAMP") == {"main": (4, 0)}


async def test_setting_what_is_set_already_books_nothing(stockroom: Stockroom) -> None:
    before = await stockroom.picture("LAMP")
    assert await stockroom.adjust("LAMP", set_to=10, expected_on_hand=10) is None
    assert await stockroom.picture("LAMP") == before


async def test_units_that_orders_hold_cannot_be_taken_away(stockroom: Stockroom, shop: Shop) -> None:
    await shop.held({"LAMP": 4})
    line = {"sku": "LAMP", "location": "main", "on_hand": 10, "reserved": 4}
    with pytest.raises(BelowReserved) as refused:
        await stockroom.adjust("LAMP", delta=-7)
    assert refused.value.facts["lines"] == [line | {"delta": -7}]
    with pytest.raises(BelowReserved):
        await stockroom.adjust("LAMP", set_to=3, expected_on_hand=10)
    await stockroom.adjust("LAMP", delta=-6)
    assert await stockroom.there("LAMP") == {"main": (4, 4)}
    await shop.require_invariants()


async def test_a_location_never_has_fewer_than_none(stockroom: Stockroom) -> None:
    for location, delta in (("main", -11), ("annex", -1)):
        with pytest.raises(BelowReserved):
            await stockroom.adjust("LAMP", location=location, delta=delta)
    assert await stockroom.there("LAMP") == {"main": (10, 0)}


async def test_a_shelf_never_has_more_units_than_its_column_can_hold(stockroom: Stockroom, shop: Shop) -> None:
    await stockroom.adjust("LAMP", delta=MOST_UNITS - 10)
    with pytest.raises(TooManyUnits) as refused:
        await stockroom.adjust("LAMP", delta=1)
    assert refused.value.facts["most"] == MOST_UNITS
    await stockroom.adjust("LAMP", location="annex", delta=MOST_UNITS)
    assert (await stockroom.picture("LAMP")).on_hand == 2 * MOST_UNITS
    await shop.require_invariants()


async def test_the_version_that_was_read_is_compared_over_all_locations(stockroom: Stockroom, shop: Shop) -> None:
    read = (await stockroom.picture("LAMP")).version
    await stockroom.adjust("LAMP", delta=1, expected=read)
    for change in (
        stockroom.adjust("LAMP", location="annex", delta=1),
        stockroom.transfer("LAMP", "main", "annex", 1),
        stockroom.set_threshold("LAMP", 2),
        shop.held({"LAMP": 1}),
    ):
        read = (await stockroom.picture("LAMP")).version
        await change
        with pytest.raises(Stale):
            await stockroom.adjust("LAMP", delta=1, expected=read)


async def test_a_transfer_is_two_movements_that_add_up_to_nothing(stockroom: Stockroom, shop: Shop) -> None:
    await stockroom.transfer("LAMP", "main", "annex", 4)
    assert await stockroom.there("LAMP") == {"main": (6, 0), "annex": (4, 0)}
    booked = [row for row in await stockroom.ledger("LAMP") if row[1] == "transfer"]
    assert sorted(booked) == [("annex", "transfer", 4), ("main", "transfer", -4)]
    await shop.require_invariants()


async def test_a_transfer_leaves_what_orders_hold_where_it_is(stockroom: Stockroom, shop: Shop) -> None:
    await shop.held({"LAMP": 7})
    with pytest.raises(BelowReserved):
        await stockroom.transfer("LAMP", "main", "annex", 4)
    await stockroom.transfer("LAMP", "main", "annex", 3)
    assert await stockroom.there("LAMP") == {"main": (7, 7), "annex": (3, 0)}


async def test_what_is_not_there_is_not_adjusted_or_moved(stockroom: Stockroom, shop: Shop) -> None:
    for missing in (
        stockroom.adjust("NOPE", delta=1),
        stockroom.adjust("LAMP", location="attic", delta=1),
        stockroom.transfer("NOPE", "main", "annex", 1),
        stockroom.transfer("LAMP", "annex", "main", 1),
        stockroom.transfer("LAMP", "main", "attic", 1),
        stockroom.set_threshold("NOPE", 1),
    ):
        with pytest.raises(NotFound):
            await missing
    assert await stockroom.acts() == ["location.create"]


async def test_a_variant_that_never_had_stock_gets_its_first(stockroom: Stockroom, shop: Shop) -> None:
    await shop.rows("WITH gone AS (DELETE FROM stock_movements) DELETE FROM stock")
    await stockroom.adjust("LAMP", location="annex", delta=2)
    assert await stockroom.there("LAMP") == {"annex": (2, 0)}
    assert await stockroom.events("LAMP") == ["back"]


async def test_every_act_is_in_the_audit_log_and_a_refused_one_is_not(stockroom: Stockroom) -> None:
    await stockroom.adjust("LAMP", delta=-1)
    await stockroom.transfer("LAMP", "main", "annex", 1)
    await stockroom.set_threshold("LAMP", 2)
    await stockroom.set_threshold("LAMP", 2)
    with pytest.raises(Fact):
        await stockroom.adjust("LAMP", delta=-100)
    assert await stockroom.acts() == ["location.create", "stock.adjust", "stock.transfer", "stock.set_threshold"]


@pytest.mark.parametrize(
    "form",
    [{}, {"delta": 1, "set_to": 2}, {"set_to": 2}, {"expected_on_hand": 2}, {"delta": 1, "expected_on_hand": 1}],
)
def test_an_adjustment_has_one_form(form: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="either"):
        Adjustment("because", **form)  # type: ignore[arg-type]


def test_a_transfer_is_between_two_locations() -> None:
    with pytest.raises(ValueError, match="two"):
        Transfer("main", "main", 1, "because")


async def test_the_low_are_listed_by_their_totals(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("BULB", stock=3)
    await shop.product("SHADE", stock=0)
    await stockroom.adjust("BULB", location="annex", delta=3)
    await shop.held({"LAMP": 5})
    async with shop.database.reading() as session:
        everything = [total.sku for total in await reading.page(session, 10, None, is_low=False)]
        low = await reading.page(session, 10, None, is_low=True)
        rest = [total.sku for total in await reading.page(session, 10, "LAMP", is_low=True)]
    assert everything == ["BULB", "LAMP", "SHADE"]
    assert [(total.sku, total.on_hand, total.reserved, total.available) for total in low] == [
        ("LAMP", 10, 5, 5),
        ("SHADE", 0, 0, 0),
    ]
    assert rest == ["SHADE"]
