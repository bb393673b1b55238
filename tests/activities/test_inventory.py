"""reserve_stock and its undo release_stock: twice, in either order, and over a sale."""

import pytest

from activities.inventory import InventoryActivities
from domain.errors import NotAllowedInState, OutOfStock
from domain.messages.checkout import OrderStep, ReleaseStock
from tests.activities.conftest import run
from tests.builders import Shop


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)


async def test_reserving_twice_holds_once_and_releasing_twice_gives_back_once(
    shop: Shop, stock: InventoryActivities
) -> None:
    order_id = await shop.placed({"LAMP": 2})
    for _ in range(2):
        await run(stock.reserve_stock, OrderStep(str(order_id)))
        assert await shop.stock("LAMP") == (5, 2)
    for _ in range(2):
        await run(stock.release_stock, ReleaseStock(str(order_id), expired=True))
        assert await shop.stock("LAMP") == (5, 0)
    assert await shop.reservations(order_id) == {"expired"}


async def test_a_reservation_that_arrives_after_its_release_holds_nothing(
    shop: Shop, stock: InventoryActivities
) -> None:
    order_id = await shop.placed({"LAMP": 2})
    await run(stock.release_stock, ReleaseStock(str(order_id)))
    for _ in range(2):
        with pytest.raises(NotAllowedInState):
            await run(stock.reserve_stock, OrderStep(str(order_id)))
    assert await shop.stock("LAMP") == (5, 0)


@pytest.mark.spoils_books
async def test_what_is_out_of_stock_is_told_each_time_and_leaves_the_gate_open(
    shop: Shop, stock: InventoryActivities
) -> None:
    order_id = await shop.placed({"LAMP": 6})
    for _ in range(2):
        with pytest.raises(OutOfStock) as refused:
            await run(stock.reserve_stock, OrderStep(str(order_id)))
        assert refused.value.facts == {"lines": [{"sku": "LAMP", "requested": 6, "available": 5}]}
    await shop.rows("UPDATE stock SET on_hand = 6")
    await run(stock.reserve_stock, OrderStep(str(order_id)))
    assert await shop.stock("LAMP") == (6, 6)


async def test_releasing_after_the_sale_takes_the_sale_back_once(shop: Shop, stock: InventoryActivities) -> None:
    order_id = await shop.confirmed({"LAMP": 2})
    for _ in range(2):
        await run(stock.release_stock, ReleaseStock(str(order_id)))
        assert await shop.stock("LAMP") == (5, 0)
    ledger = "SELECT kind, delta FROM stock_movements WHERE order_id IS NOT NULL ORDER BY kind"
    assert await shop.rows(ledger) == [("sale", -2), ("sale_undone", 2)]


async def test_a_reservation_that_arrives_after_the_sale_is_refused(shop: Shop, stock: InventoryActivities) -> None:
    order_id = await shop.confirmed({"LAMP": 2})
    with pytest.raises(NotAllowedInState):
        await run(stock.reserve_stock, OrderStep(str(order_id)))
    assert await shop.stock("LAMP") == (3, 0)
    await shop.require_invariants()
