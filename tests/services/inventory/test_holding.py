"""Stock held, given back and sold: each step twice, and against its opposite."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import NotAllowedInState, NotFound, OutOfStock
from services import inventory
from tests.builders import Shop

Step = Callable[[AsyncSession, UUID], Awaitable[None]]


async def run(shop: Shop, step: Callable[..., Awaitable[None]], order_id: UUID, **more: Any) -> None:
    async with shop.database.transaction() as session:
        await step(session, order_id, **more)


async def movements(shop: Shop, order_id: UUID) -> list[tuple[Any, ...]]:
    return await shop.rows(
        "SELECT kind, sku, delta FROM stock_movements WHERE order_id = :id ORDER BY kind, sku", id=order_id
    )


async def test_a_hold_reserves_every_line_and_takes_nothing(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await shop.product("SHADE", stock=4)
    order_id = await shop.placed({"LAMP": 2, "SHADE": 4})
    await run(shop, inventory.hold, order_id)
    assert (await shop.stock("LAMP"), await shop.stock("SHADE")) == ((5, 2), (4, 4))
    assert await shop.reservations(order_id) == {"held"}
    assert (await shop.order(order_id)).reservation_status == "held"
    assert await movements(shop, order_id) == []
    expiry = "SELECT count(*) FROM reservations r JOIN orders o ON o.id = r.order_id WHERE expires_at = hold_expires_at"
    assert await shop.rows(expiry) == [(2,)]
    await shop.require_invariants()


async def test_a_hold_that_runs_twice_reserves_once(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    await run(shop, inventory.hold, order_id)
    assert await shop.stock("LAMP") == (5, 2)
    await shop.require_invariants()


async def test_every_line_that_is_short_is_named_and_nothing_is_held(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await shop.product("RARE", stock=1)
    await shop.product("SOLD-OUT", stock=0)
    order_id = await shop.placed({"SOLD-OUT": 1, "LAMP": 5, "RARE": 3})
    with pytest.raises(OutOfStock) as refused:
        await run(shop, inventory.hold, order_id)
    assert refused.value.facts["lines"] == [
        {"sku": "RARE", "requested": 3, "available": 1},
        {"sku": "SOLD-OUT", "requested": 1, "available": 0},
    ]
    assert await shop.stock("LAMP") == (5, 0)
    assert (await shop.order(order_id)).reservation_status == "none"
    assert await shop.reservations(order_id) == set()


async def test_units_that_another_order_holds_are_not_available(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await shop.held({"LAMP": 4})
    with pytest.raises(OutOfStock) as refused:
        await shop.held({"LAMP": 2})
    assert refused.value.facts["lines"] == [{"sku": "LAMP", "requested": 2, "available": 1}]


@pytest.mark.parametrize(("expired", "ends"), [(False, "released"), (True, "expired")])
async def test_a_release_gives_the_stock_back_once(shop: Shop, expired: bool, ends: str) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    for _ in range(2):
        await run(shop, inventory.release, order_id, expired=expired)
        assert await shop.stock("LAMP") == (5, 0)
    assert await shop.reservations(order_id) == {ends}
    assert (await shop.order(order_id)).reservation_status == ends
    assert await movements(shop, order_id) == []


async def test_a_release_touches_no_order_but_its_own(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    other, order_id = await shop.held({"LAMP": 3}), await shop.held({"LAMP": 2})
    await run(shop, inventory.release, order_id)
    assert await shop.stock("LAMP") == (5, 3)
    assert await shop.reservations(other) == {"held"}


async def test_a_release_that_comes_first_shuts_the_gate_for_a_late_hold(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.placed({"LAMP": 2})
    await run(shop, inventory.release, order_id)
    for _ in range(2):
        with pytest.raises(NotAllowedInState) as refused:
            await run(shop, inventory.hold, order_id)
        assert refused.value.facts == {"reservation_status": "released"}
    assert await shop.stock("LAMP") == (5, 0)
    assert await shop.reservations(order_id) == set()


async def test_a_sale_takes_the_units_once_and_the_ledger_says_so(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await shop.product("SHADE", stock=4)
    order_id = await shop.held({"LAMP": 2, "SHADE": 1})
    for _ in range(2):
        await run(shop, inventory.commit, order_id)
        assert (await shop.stock("LAMP"), await shop.stock("SHADE")) == ((3, 0), (3, 0))
    assert await movements(shop, order_id) == [("sale", "LAMP", -2), ("sale", "SHADE", -1)]
    assert await shop.reservations(order_id) == {"committed"}


async def test_a_sale_that_is_undone_is_compensated_once_and_not_rewritten(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    await run(shop, inventory.commit, order_id)
    for _ in range(2):
        await run(shop, inventory.release, order_id, expired=True)
        assert await shop.stock("LAMP") == (5, 0)
    assert await movements(shop, order_id) == [("sale", "LAMP", -2), ("sale_undone", "LAMP", 2)]
    assert await shop.reservations(order_id) == {"released"}, "a sale does not expire"


@pytest.mark.parametrize("before", [(), ("release",), ("hold", "release")])
async def test_stock_that_is_not_held_is_not_sold(shop: Shop, before: tuple[str, ...]) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.placed({"LAMP": 2})
    for step in before:
        await run(shop, getattr(inventory, step), order_id)
    with pytest.raises(NotAllowedInState):
        await run(shop, inventory.commit, order_id)
    assert await shop.stock("LAMP") == (5, 0)
    assert await movements(shop, order_id) == []


@pytest.mark.parametrize("step", [inventory.hold, inventory.release, inventory.commit])
async def test_an_order_that_is_not_there_has_no_stock(shop: Shop, step: Step) -> None:
    with pytest.raises(NotFound):
        await run(shop, step, uuid4())


@pytest.mark.parametrize("wrong", ["reserved = 6", "reserved = -1", "on_hand = -1", "reserved = 4, on_hand = 3"])
async def test_the_database_itself_refuses_stock_that_cannot_be(shop: Shop, wrong: str) -> None:
    await shop.product("LAMP", stock=5)
    with pytest.raises(IntegrityError, match="reserved_within_on_hand"):
        async with shop.database.transaction() as session:
            await session.execute(text(f"UPDATE stock SET {wrong}"))  # noqa: S608
    assert await shop.stock("LAMP") == (5, 0)


async def test_an_order_sells_a_sku_once_whatever_is_repeated(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    await run(shop, inventory.commit, order_id)
    with pytest.raises(IntegrityError, match="uq_stock_movements_order_fact"):
        await shop.rows(
            "INSERT INTO stock_movements (sku, location_id, delta, kind, reason, order_id) "
            "SELECT sku, location_id, delta, kind, reason, order_id FROM stock_movements WHERE kind = 'sale'"
        )


async def test_a_sku_without_stock_has_no_picture(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await shop.stock("NOWHERE")
