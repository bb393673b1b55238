"""The one way in which an order changes: from where it is meant to be, and with an event that tells of it."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from domain.errors import NotAllowedInState, NotFound
from domain.orders import OrderStatus
from services.orders.moving import move, note_once
from tests.builders import Shop

PENDING, FAILED, CONFIRMED = OrderStatus.PENDING_PAYMENT, OrderStatus.PAYMENT_FAILED, OrderStatus.CONFIRMED


async def moved(shop: Shop, order_id: UUID, start: set[OrderStatus], to: OrderStatus, **more: Any) -> bool:
    async with shop.database.transaction() as session:
        return await move(session, order_id, start, to, kind="moved", by="checkout", **more)


async def noted(shop: Shop, order_id: UUID, kind: str) -> bool:
    async with shop.database.transaction() as session:
        return await note_once(session, order_id, kind=kind, by="checkout", note="a note")


async def told(shop: Shop, order_id: UUID) -> list[tuple[Any, ...]]:
    return await shop.rows(
        "SELECT seq, kind, from_status, to_status, actor, note FROM order_events WHERE order_id = :id ORDER BY seq",
        id=order_id,
    )


@pytest.fixture
async def order_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.placed({"LAMP": 1})


async def test_a_move_changes_the_order_and_tells_of_it(shop: Shop, order_id: UUID) -> None:
    assert await moved(shop, order_id, {PENDING}, FAILED, note="the bank said no", cancel_reason="none yet")
    order = await shop.order(order_id)
    assert (order.status, order.version, order.cancel_reason) == ("payment_failed", 2, "none yet")
    assert await told(shop, order_id) == [
        (1, "placed", None, "pending_payment", "checkout", None),
        (2, "moved", "pending_payment", "payment_failed", "checkout", "the bank said no"),
    ]


async def test_a_move_that_runs_twice_happens_once(shop: Shop, order_id: UUID) -> None:
    assert await moved(shop, order_id, {PENDING}, FAILED)
    assert not await moved(shop, order_id, {PENDING}, FAILED)
    assert await shop.events(order_id) == ["placed", "moved"]


async def test_a_move_from_elsewhere_is_refused_and_changes_nothing(shop: Shop, order_id: UUID) -> None:
    with pytest.raises(NotAllowedInState) as refused:
        await moved(shop, order_id, {CONFIRMED}, OrderStatus.PROCESSING)
    assert refused.value.facts == {"order_status": "pending_payment"}
    assert (await shop.order(order_id)).version == 1


async def test_a_move_that_the_table_has_not_is_refused_even_if_asked_for(shop: Shop, order_id: UUID) -> None:
    with pytest.raises(NotAllowedInState):
        await moved(shop, order_id, {PENDING}, OrderStatus.SHIPPED)
    assert await shop.status(order_id) is PENDING


async def test_an_order_that_is_not_there_cannot_move(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await moved(shop, uuid4(), {PENDING}, CONFIRMED)
    with pytest.raises(NotFound):
        await noted(shop, uuid4(), "reminder_1")


async def test_a_note_moves_nothing_and_stands_once(shop: Shop, order_id: UUID) -> None:
    assert await noted(shop, order_id, "reminder_1")
    assert not await noted(shop, order_id, "reminder_1")
    assert await noted(shop, order_id, "reminder_2")
    assert (await told(shop, order_id))[1:] == [
        (2, "reminder_1", "pending_payment", "pending_payment", "checkout", "a note"),
        (3, "reminder_2", "pending_payment", "pending_payment", "checkout", "a note"),
    ]


async def test_of_ten_moves_at_once_one_happens(shop: Shop, order_id: UUID) -> None:
    happened = await asyncio.gather(*(moved(shop, order_id, {PENDING}, FAILED) for _ in range(10)))
    assert sorted(happened) == [False] * 9 + [True]
    assert await shop.events(order_id) == ["placed", "moved"]


async def test_of_two_moves_that_exclude_each_other_one_is_refused(shop: Shop, order_id: UUID) -> None:
    ways = (FAILED, CONFIRMED, OrderStatus.CANCELLED)
    results = await asyncio.gather(*(moved(shop, order_id, {PENDING}, to) for to in ways), return_exceptions=True)
    assert results.count(True) == 1
    assert sum(isinstance(result, NotAllowedInState) for result in results) == 2
    assert (await shop.order(order_id)).version == 2


async def test_the_sequence_of_events_has_no_gap_however_many_write_at_once(shop: Shop, order_id: UUID) -> None:
    kinds = [f"reminder_{number}" for number in range(10)] * 2
    happened = await asyncio.gather(
        *(noted(shop, order_id, kind) for kind in kinds), moved(shop, order_id, {PENDING}, FAILED)
    )
    assert sum(happened) == 11
    events = await told(shop, order_id)
    assert [seq for seq, *_ in events] == list(range(1, 13))
    assert all(after[2] == before[3] for before, after in pairwise(events))
    assert (await shop.order(order_id)).version == 12


async def test_an_event_that_its_transaction_takes_back_was_never_told(shop: Shop, order_id: UUID) -> None:
    async with shop.database.transaction() as session:
        await move(session, order_id, {PENDING}, FAILED, kind="moved", by="checkout")
        await session.rollback()
    assert await shop.status(order_id) is PENDING
    assert await noted(shop, order_id, "reminder_1")
    assert [seq for seq, *_ in await told(shop, order_id)] == [1, 2]


async def test_the_database_knows_no_other_states(shop: Shop, order_id: UUID) -> None:
    with pytest.raises(IntegrityError, match="status_known"):
        await shop.rows("UPDATE orders SET status = 'lost' WHERE id = :id", id=order_id)
