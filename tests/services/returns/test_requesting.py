"""Asking for a return: which units may come back, and until when."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import NotAllowedInState, NotFound, OverReturn
from domain.orders import OrderStatus
from services.orders.moving import move
from services.orders.reading import Viewer
from services.returns import deciding, open_undelivered, requesting
from services.returns.requesting import ReturnWish
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import TERMS, cancelled_on_its_way, delivered, found, requested, told


@pytest.fixture
async def order_id(shop: Shop, gateway: FakePayments) -> UUID:
    """Three lamps and a mug, delivered."""
    await shop.product("LAMP")
    await shop.product("MUG", price=700)
    return await delivered(shop, gateway, {"LAMP": 3, "MUG": 1})


async def test_it_is_written_with_what_it_is_worth_and_told_to_both_sides(shop: Shop, order_id: UUID) -> None:
    staff = await shop.user("staff")
    return_id = await requested(shop, order_id, {"LAMP": 2, "MUG": 1})
    row = await found(shop, return_id)
    assert (row.status, row.refund_amount, row.currency) == ("requested", 2 * 1999 + 700, "USD")
    assert row.deadline_at is not None
    assert row.deadline_at - row.created_at == TERMS.decision
    notes = await shop.rows("SELECT kind, note FROM order_events ORDER BY seq DESC LIMIT 1")
    assert notes == [("return_requested", "2 × LAMP, 1 × MUG")]
    assert await told(shop, row.user_id) == ["return_requested"]
    assert await told(shop, staff) == ["return_waiting"]
    facts = await shop.rows("SELECT facts FROM notifications WHERE kind = 'return_waiting'")
    assert facts == [({"return_id": str(return_id), "until": row.deadline_at.isoformat()},)]
    await shop.require_invariants()


async def test_each_of_several_returns_stands_in_the_timeline(shop: Shop, order_id: UUID) -> None:
    for _ in range(3):
        await requested(shop, order_id, {"LAMP": 1})
    assert (await shop.events(order_id))[-3:] == ["return_requested"] * 3
    await shop.require_invariants()


async def test_units_come_back_once_unless_their_return_is_rejected_or_expired(shop: Shop, order_id: UUID) -> None:
    first = await requested(shop, order_id, {"LAMP": 2})
    with pytest.raises(OverReturn) as over:
        await requested(shop, order_id, {"LAMP": 2, "MUG": 1})
    assert over.value.facts["lines"] == [{"sku": "LAMP", "requested": 2, "left": 1}]
    async with shop.database.transaction() as session:
        await deciding.reject(session, first, by="desk", note=None)
    second = await requested(shop, order_id, {"LAMP": 3})
    async with shop.database.transaction() as session:
        await deciding.expire(session, second)
    await requested(shop, order_id, {"LAMP": 3})


async def test_two_at_once_for_the_last_unit(shop: Shop, order_id: UUID) -> None:
    outcomes = await asyncio.gather(*(requested(shop, order_id, {"MUG": 1}) for _ in range(5)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["OverReturn"] * 4 + ["UUID"]


async def test_an_order_that_is_not_delivered_any_more_or_not_yet(shop: Shop, order_id: UUID) -> None:
    paid = await shop.paid({"LAMP": 1})
    with pytest.raises(NotAllowedInState) as refused:
        await requested(shop, paid, {"LAMP": 1})
    assert refused.value.facts == {"order_status": "confirmed"}
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.DELIVERED}, OrderStatus.REFUNDED, kind="refunded", by="desk")
    with pytest.raises(NotAllowedInState):
        await requested(shop, order_id, {"LAMP": 1})


async def test_the_time_to_ask_counts_from_the_delivery_and_no_later_event(shop: Shop, order_id: UUID) -> None:
    kinds = "('placed', 'confirmed', 'processing', 'shipped', 'delivered')"
    await shop.rows(f"UPDATE order_events SET at = at - interval '29 days' WHERE kind IN {kinds} RETURNING seq")  # noqa: S608
    first = await requested(shop, order_id, {"LAMP": 1})
    async with shop.database.transaction() as session:
        await deciding.reject(session, first, by="desk", note=None)
    await shop.rows(f"UPDATE order_events SET at = at - interval '2 days' WHERE kind IN {kinds} RETURNING seq")  # noqa: S608
    with pytest.raises(NotAllowedInState) as refused:
        await requested(shop, order_id, {"LAMP": 1})
    assert set(refused.value.facts) == {"order_status", "until"}


async def test_another_customer_sees_no_order_at_all(shop: Shop, order_id: UUID) -> None:
    wish = ReturnWish({"LAMP": 1}, "mine now")
    for viewer, wanted in ((Viewer(await shop.user(), is_staff=False), order_id), (Viewer(uuid4(), True), uuid4())):
        async with shop.database.transaction() as session:
            with pytest.raises(NotFound):
                await requesting.request(session, wanted, viewer, wish, TERMS)


async def test_a_cancellation_opens_one_return_of_what_was_shipped(shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("MUG", price=700)
    order_id, return_id = await cancelled_on_its_way(shop, {"LAMP": 3, "MUG": 1}, {"LAMP": 2})
    assert return_id is not None
    row = await found(shop, return_id)
    assert (row.status, row.cause, row.refund_amount, row.deadline_at) == ("approved", "undelivered", 0, None)
    assert await shop.rows("SELECT sku, quantity, amount FROM return_lines") == [("LAMP", 2, 0)]
    async with shop.database.transaction() as session:
        assert await open_undelivered(session, order_id, "desk") == return_id, "repeated"
    await shop.require_invariants()


async def test_an_order_of_which_nothing_was_shipped_needs_no_return(shop: Shop) -> None:
    await shop.product("LAMP")
    _, return_id = await cancelled_on_its_way(shop, {"LAMP": 3}, {})
    assert return_id is None


async def test_a_customer_asks_for_nothing_of_a_cancelled_order(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id, return_id = await cancelled_on_its_way(shop, {"LAMP": 3}, {"LAMP": 1})
    assert return_id is not None
    async with shop.database.transaction() as session:
        await deciding.take_up(session, return_id, timedelta(days=30))
        await deciding.expire(session, return_id)
    with pytest.raises(NotAllowedInState):
        await requested(shop, order_id, {"LAMP": 1})
