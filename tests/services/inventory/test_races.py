"""Many orders at once: never more sold than there is, and nobody waits for somebody who waits for them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext, suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import BelowReserved, NotAllowedInState, NotFound, OutOfStock, Stale
from domain.orders import PaymentMethod
from models.inventory import StockSessionKind
from services import invariants, inventory
from services.inventory import adjusting
from services.inventory.adjusting import Adjustment
from tests.builders import Shop
from tests.services.inventory.stockroom import Stockroom

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


async def test_of_two_that_take_the_last_units_at_two_locations_one_sees_that_nothing_is_left(
    stockroom: Stockroom, shop: Shop
) -> None:
    """Each changes a row of its own: only who has both knows the total."""
    for number in range(8):
        sku = f"LAMP-{number}"
        await shop.product(sku, stock=1)
        await stockroom.adjust(sku, location="annex", delta=1)
        await asyncio.gather(
            stockroom.adjust(sku, delta=-1), stockroom.adjust(sku, location="annex", delta=-1),
        )  # fmt: skip
        assert await stockroom.events(sku) == ["out"]


async def test_a_location_that_gets_its_first_units_meanwhile_counts(stockroom: Stockroom, shop: Shop) -> None:
    """A hold waits for the row there is; when it goes on, there is another that it could not wait for."""
    await shop.product("LAMP", stock=3)
    order_id = await shop.placed({"LAMP": 3})
    async with shop.database.transaction() as session:
        await adjusting.adjust(session, stockroom.actor, "LAMP", Adjustment("because", "annex", delta=20))
        waiting = asyncio.create_task(outcome(shop, inventory.hold, order_id))
        while not await shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
    assert await waiting == "done"
    assert await stockroom.there("LAMP") == {"main": (3, 3), "annex": (20, 0)}
    assert await stockroom.events("LAMP") == []


async def test_a_location_that_gets_its_first_units_meanwhile_is_a_change_of_what_was_read(
    stockroom: Stockroom, shop: Shop
) -> None:
    """Who waited for the row that there is has not locked the new one, and counts its version all the same."""
    await shop.product("LAMP", stock=3)
    read = (await stockroom.picture("LAMP")).version
    async with shop.database.transaction() as session:
        await adjusting.adjust(session, stockroom.actor, "LAMP", Adjustment("because", "annex", delta=20))
        waiting = asyncio.create_task(stockroom.adjust("LAMP", delta=1, expected=read))
        while not await shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
    with pytest.raises(Stale):
        await waiting


@pytest.mark.parametrize("act", ["adjust", "put_line", "apply", "set_threshold"])
async def test_what_staff_do_to_a_sku_that_is_being_deleted_waits_and_finds_nothing(
    stockroom: Stockroom, shop: Shop, act: str
) -> None:
    await shop.product("LAMP", stock=3)
    session_id = await stockroom.open_session(StockSessionKind.RECEIVE, "annex")
    if act == "apply":
        await stockroom.put(session_id, LAMP=2)
    acts: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "adjust": lambda: stockroom.adjust("LAMP", location="annex", delta=1),
        "put_line": lambda: stockroom.put(session_id, LAMP=2),
        "apply": lambda: stockroom.apply(session_id),
        "set_threshold": lambda: stockroom.set_threshold("LAMP", 1),
    }
    async with shop.database.transaction() as session:
        await session.execute(text("SELECT FROM variants WHERE sku = 'LAMP' FOR UPDATE"))
        waiting = asyncio.create_task(acts[act]())
        while not await shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
        await inventory.forget(session, ["LAMP"])
        await session.execute(text("DELETE FROM variants WHERE sku = 'LAMP'"))
    with nullcontext() if act == "apply" else pytest.raises(NotFound):
        await waiting
    assert await shop.rows("SELECT sku FROM stock") == []


async def test_orders_and_staff_at_once_leave_books_that_add_up(stockroom: Stockroom, shop: Shop) -> None:
    """Nobody waits for somebody who waits for them, and each crossing of zero is told once."""
    skus = ["A", "B", "C"]
    for sku in skus:
        await shop.product(sku, stock=8)
        await stockroom.adjust(sku, location="annex", delta=8)
    orders = [await shop.placed(dict.fromkeys(skus if number % 2 else reversed(skus), 2)) for number in range(16)]

    async def trade(order_id: UUID, number: int) -> None:
        if await outcome(shop, inventory.hold, order_id) == "done":
            await outcome(shop, inventory.commit if number % 3 else inventory.release, order_id)

    async def keep(number: int) -> None:
        sku, there, here = skus[number % 3], *(("main", "annex") if number % 2 else ("annex", "main"))
        session_id = await stockroom.open_session(StockSessionKind.COUNT, there)
        await stockroom.put(session_id, **dict.fromkeys(skus, 4))
        for act in (
            stockroom.transfer(sku, there, here, 2),
            stockroom.adjust(sku, location=here, delta=-3),
            stockroom.adjust(sku, location=here, delta=3),
            stockroom.apply(session_id),
        ):
            with suppress(BelowReserved):
                await act

    await asyncio.gather(
        *(trade(order_id, number) for number, order_id in enumerate(orders)), *(keep(number) for number in range(8))
    )
    async with shop.database.snapshot() as session:
        assert [found for found in await invariants.check(session, invariants.STOCK[:4]) if found.violations] == []
    for sku in skus:
        crossings = [kind for kind in await stockroom.events(sku) if kind != "low"]
        assert crossings == [("out", "back")[place % 2] for place in range(len(crossings))]
        assert (crossings[-1:] == ["out"]) is ((await stockroom.picture(sku)).available == 0)
