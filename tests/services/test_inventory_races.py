"""Many orders at once: never more sold than there is, and nobody waits for somebody who waits for them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import NotAllowedInState, OutOfStock
from domain.orders import PaymentMethod
from services import inventory
from tests.builders import Shop

Step = Callable[[AsyncSession, UUID], Awaitable[None]]


async def outcome(shop: Shop, step: Step, order_id: UUID) -> str:
    try:
        async with shop.database.transaction() as session:
            await step(session, order_id)
    except (OutOfStock, NotAllowedInState) as refusal:
        return refusal.code
    return "done"


async def test_sixty_orders_for_ten_units_leave_exactly_ten_with_a_hold(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    orders = [await shop.placed({"LAMP": 1}, method=PaymentMethod.COD) for _ in range(60)]
    outcomes = Counter(await asyncio.gather(*(outcome(shop, inventory.hold, order_id) for order_id in orders)))
    assert outcomes == {"done": 10, "out-of-stock": 50}
    assert await shop.stock("LAMP") == (10, 10)
    assert await shop.rows("SELECT count(*) FROM reservations WHERE status = 'held'") == [(10,)]


async def test_the_last_units_go_to_whoever_they_are_enough_for(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    orders = [await shop.placed({"LAMP": quantity}) for quantity in (3, 3, 3, 3, 3, 3)]
    outcomes = Counter(await asyncio.gather(*(outcome(shop, inventory.hold, order_id) for order_id in orders)))
    assert outcomes == {"done": 3, "out-of-stock": 3}
    assert await shop.stock("LAMP") == (10, 9)


async def test_one_hold_sent_ten_times_at_once_holds_once(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    order_id = await shop.placed({"LAMP": 4})
    outcomes = await asyncio.gather(*(outcome(shop, inventory.hold, order_id) for _ in range(10)))
    assert outcomes == ["done"] * 10
    assert await shop.stock("LAMP") == (10, 4)
    await shop.require_invariants()


async def test_a_hold_and_its_release_at_once_leave_nothing_held(shop: Shop) -> None:
    """Whichever comes first: the release shuts the gate or gives back."""
    await shop.product("LAMP", stock=10)
    orders = [await shop.placed({"LAMP": 1}) for _ in range(10)]
    steps = (inventory.hold, inventory.release)
    outcomes = await asyncio.gather(*(outcome(shop, step, order_id) for order_id in orders for step in steps))
    assert set(outcomes) <= {"done", "not-allowed-in-state"}
    assert await shop.stock("LAMP") == (10, 0)
    assert await shop.rows("SELECT DISTINCT reservation_status FROM orders") == [("released",)]


async def test_a_sale_and_a_release_at_once_add_up(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    orders = [await shop.held({"LAMP": 1}) for _ in range(10)]
    steps = (inventory.commit, inventory.release)
    await asyncio.gather(*(outcome(shop, step, order_id) for order_id in orders for step in steps))
    assert await shop.stock("LAMP") == (10, 0)
    assert await shop.rows("SELECT coalesce(sum(delta), 0) FROM stock_movements WHERE order_id IS NOT NULL") == [(0,)]


async def test_orders_with_the_same_skus_in_opposite_order_never_wait_for_each_other(shop: Shop) -> None:
    """Postgres would end one of two that do, after a second, with an error that the gather raises."""
    skus = [f"SKU-{letter}" for letter in "ABCDEF"]
    for sku in skus:
        await shop.product(sku, stock=200)
    orders = [await shop.placed(dict.fromkeys(skus if number % 2 else reversed(skus), 1)) for number in range(24)]
    for step in (inventory.hold, inventory.commit, inventory.release):
        outcomes = await asyncio.gather(*(outcome(shop, step, order_id) for order_id in orders))
        assert outcomes == ["done"] * len(orders)
    assert [await shop.stock(sku) for sku in skus] == [(200, 0)] * len(skus)


async def test_stock_is_locked_in_the_order_of_its_keys(shop: Shop) -> None:
    """While somebody has the first SKU, an order for both waits there, and the second is free for the others."""
    await shop.product("A", stock=5)
    await shop.product("B", stock=5)
    order_id = await shop.placed({"B": 1, "A": 1})
    async with shop.database.transaction() as session:
        await session.execute(text("SELECT sku FROM stock WHERE sku = 'A' FOR UPDATE"))
        waiting = asyncio.create_task(outcome(shop, inventory.hold, order_id))
        while not await shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
        await session.execute(text("SELECT sku FROM stock WHERE sku = 'B' FOR UPDATE NOWAIT"))
    assert await waiting == "done"
