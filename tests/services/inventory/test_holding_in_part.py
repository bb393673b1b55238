"""A sale undone in part: what has left the house stays sold, wherever the rest came from."""

from uuid import UUID

import pytest

from services import inventory
from tests.builders import Shop
from tests.services.inventory.stockroom import Stockroom


async def release(shop: Shop, order_id: UUID, keep: dict[str, int]) -> None:
    async with shop.database.transaction() as session:
        await inventory.release(session, order_id, keep=keep)


async def test_the_rest_goes_back_and_what_was_shipped_stays_sold_however_often_it_is_told(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await shop.product("SHADE", stock=4)
    order_id = await shop.confirmed({"LAMP": 3, "SHADE": 2})
    for _ in range(2):
        await release(shop, order_id, {"LAMP": 2})
        assert (await shop.stock("LAMP"), await shop.stock("SHADE")) == ((3, 0), (4, 0))
    rows = await shop.rows("SELECT sku, quantity, status FROM reservations ORDER BY sku")
    assert rows == [("LAMP", 2, "committed"), ("SHADE", 2, "released")]
    assert (await shop.order(order_id)).reservation_status == "committed"
    undone = await shop.rows("SELECT sku, delta FROM stock_movements WHERE kind = 'sale_undone' ORDER BY sku")
    assert undone == [("LAMP", 1), ("SHADE", 2)]


async def test_an_order_that_has_left_as_a_whole_gives_nothing_back(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.confirmed({"LAMP": 3})
    await release(shop, order_id, {"LAMP": 3})
    assert await shop.stock("LAMP") == (2, 0)
    assert await shop.reservations(order_id) == {"committed"}
    await shop.require_invariants()


async def test_nothing_kept_is_a_release_of_all(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.confirmed({"LAMP": 3})
    await release(shop, order_id, {})
    assert await shop.stock("LAMP") == (5, 0)
    assert await shop.reservations(order_id) == {"released"}


@pytest.mark.parametrize(
    ("kept", "there"),
    [(1, {"main": 1, "north": 3}), (2, {"main": 0, "north": 3}), (4, {"main": 0, "north": 1})],
)
async def test_units_of_two_locations_go_back_where_they_came_from(
    stockroom: Stockroom, kept: int, there: dict[str, int]
) -> None:
    """Two from main and three from north: what was served first is taken to have left first."""
    shop = stockroom.shop
    await shop.product("LAMP", stock=2)
    await stockroom.add_location("north")
    await stockroom.adjust("LAMP", location="north", delta=3)
    order_id = await shop.confirmed({"LAMP": 5})
    for _ in range(2):
        await release(shop, order_id, {"LAMP": kept})
        assert {code: on_hand for code, (on_hand, _) in (await stockroom.there("LAMP")).items()} == there
    sold = await shop.rows("SELECT sum(quantity) FROM reservations WHERE status = 'committed'")
    assert sold == [(kept,)]
