"""A request becomes an order once; the order is confirmed with its sale, or cancelled with its reason."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import NotAllowedInState, NotFound
from domain.orders import CancelReason, OrderStatus, PaymentMethod
from services import inventory
from services.orders import placing
from services.orders.placing import Cancellation, Placed
from tests.builders import ADDRESS, CANCELLATION, HOLDS, Shop

DECLINED = Cancellation(
    CancelReason.PAYMENT_DECLINED, "checkout", None, {"code": "payment-declined", "facts": {"decline_code": "no"}}
)


async def place(shop: Shop, order_id: UUID) -> Placed:
    async with shop.database.transaction() as session:
        return await placing.place(session, order_id, HOLDS)


async def confirm(shop: Shop, order_id: UUID, by: str = "checkout", note: str | None = None) -> None:
    async with shop.database.transaction() as session:
        await placing.confirm(session, order_id, by, note)


async def cancel(shop: Shop, order_id: UUID, cancellation: Cancellation = CANCELLATION) -> None:
    async with shop.database.transaction() as session:
        await placing.cancel(session, order_id, cancellation, HOLDS)


async def release(shop: Shop, order_id: UUID) -> None:
    async with shop.database.transaction() as session:
        await inventory.release(session, order_id)


async def test_an_order_is_what_was_asked_for_at_the_price_of_then(shop: Shop) -> None:
    await shop.product("LAMP", price=1999)
    await shop.product("SHADE", price=500)
    user_id = await shop.user()
    order_id = await shop.request({"SHADE": 3, "LAMP": 2}, user_id=user_id)
    await shop.rows("UPDATE variants SET price = 1")
    order = (await place(shop, order_id)).order
    assert (order.user_id, order.status, order.payment_method) == (user_id, "pending_payment", "card")
    assert (order.subtotal, order.discount, order.shipping, order.tax, order.total) == (5498, 0, 0, 0, 5498)
    assert (order.reservation_status, order.version, order.shipping_address) == ("none", 1, ADDRESS)
    lines = "SELECT sku, name, quantity, unit_price, line_total FROM order_lines ORDER BY position"
    assert await shop.rows(lines) == [("SHADE", "The SHADE", 3, 500, 1500), ("LAMP", "The LAMP", 2, 1999, 3998)]
    assert await shop.events(order_id) == ["placed"]


@pytest.mark.parametrize(
    ("method", "status", "hold"),
    [(PaymentMethod.CARD, "pending_payment", HOLDS.card), (PaymentMethod.COD, "pending_confirmation", HOLDS.cod)],
)
async def test_each_way_to_pay_has_its_first_state_and_its_hold(
    shop: Shop, method: PaymentMethod, status: str, hold: timedelta
) -> None:
    await shop.product("LAMP")
    placed = await place(shop, await shop.request({"LAMP": 1}, method=method))
    assert (placed.order.status, placed.hold_left) == (status, hold)
    assert placed.order.hold_expires_at - placed.order.placed_at == hold


async def test_placing_twice_makes_one_order_whose_hold_goes_on_running(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    first, again = await place(shop, order_id), await place(shop, order_id)
    assert (again.order.number, again.order.placed_at) == (first.order.number, first.order.placed_at)
    assert again.hold_left < first.hold_left
    await shop.rows("UPDATE orders SET hold_expires_at = now() - interval '1 hour'")
    assert (await place(shop, order_id)).hold_left == timedelta(0)
    assert await shop.events(order_id) == ["placed"]


async def test_placing_ten_times_at_once_makes_one_order(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    placed = await asyncio.gather(*(place(shop, order_id) for _ in range(10)))
    assert len({one.order.number for one in placed}) == 1
    assert await shop.rows("SELECT count(*) FROM order_lines") == [(1,)]


async def test_an_order_that_nobody_asked_for_is_not_made(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await place(shop, uuid4())
    with pytest.raises(NotFound):
        await cancel(shop, uuid4())
    assert await shop.rows("SELECT count(*) FROM orders") == [(0,)]


async def test_confirming_sells_the_stock_in_the_same_transaction_and_once(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    for _ in range(2):
        await confirm(shop, order_id, by="sam", note="paid in full")
        assert await shop.stock("LAMP") == (3, 0)
    assert await shop.status(order_id) is OrderStatus.CONFIRMED
    assert (await shop.claim(order_id)).outcome == "accepted"
    assert await shop.events(order_id) == ["placed", "confirmed"]
    assert await shop.rows("SELECT actor, note FROM order_events WHERE seq = 2") == [("sam", "paid in full")]
    await shop.require_invariants()


async def test_an_order_whose_stock_is_not_held_is_not_confirmed_either(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.placed({"LAMP": 2})
    await release(shop, order_id)
    with pytest.raises(NotAllowedInState):
        await confirm(shop, order_id)
    assert await shop.status(order_id) is OrderStatus.PENDING_PAYMENT
    assert (await shop.claim(order_id)).outcome is None


async def test_cancelling_has_its_reason_and_frees_the_cart_once(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.held({"LAMP": 2})
    await release(shop, order_id)
    for _ in range(2):
        await cancel(shop, order_id, DECLINED)
    order, request = await shop.order(order_id), await shop.claim(order_id)
    assert (order.status, order.cancel_reason) == ("cancelled", "payment-declined")
    assert (request.claim, request.outcome, request.refusal) == ("freed", "refused", DECLINED.refusal)
    assert await shop.events(order_id) == ["placed", "cancelled"]
    await shop.require_invariants()


async def test_the_first_reason_to_cancel_stays(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.cancelled({"LAMP": 1})
    await cancel(shop, order_id, DECLINED)
    assert (await shop.order(order_id)).cancel_reason == "order-cancelled"
    assert (await shop.claim(order_id)).refusal == CANCELLATION.refusal


async def test_an_order_that_was_never_placed_is_placed_cancelled(shop: Shop) -> None:
    """So that its key leads to an order that says what happened."""
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    await cancel(shop, order_id)
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert await shop.events(order_id) == ["placed", "cancelled"]
    assert await shop.stock("LAMP") == (10, 0)


async def test_an_order_that_the_shopper_was_told_of_is_not_refused_after_the_fact(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 1})
    await release(shop, order_id)
    await cancel(shop, order_id)
    request = await shop.claim(order_id)
    assert (request.outcome, request.refusal, request.claim) == ("accepted", None, "freed")
    await shop.require_invariants()


async def test_a_cancelled_order_is_never_confirmed(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.cancelled({"LAMP": 2})
    with pytest.raises(NotAllowedInState) as refused:
        await confirm(shop, order_id)
    assert refused.value.facts == {"order_status": "cancelled"}
    assert await shop.stock("LAMP") == (5, 0)


async def test_cancelling_one_order_leaves_the_others_alone(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    user_id = await shop.user()
    kept, order_id = await shop.confirmed({"LAMP": 1}, user_id=user_id), await shop.held({"LAMP": 2}, user_id=user_id)
    await release(shop, order_id)
    await cancel(shop, order_id)
    assert await shop.status(kept) is OrderStatus.CONFIRMED
    assert (await shop.claim(kept)).outcome == "accepted"
    assert await shop.stock("LAMP") == (4, 0)
    await shop.require_invariants()


async def test_confirming_and_cancelling_at_once_never_wait_for_each_other(shop: Shop) -> None:
    """Postgres would end one of two that do, after a second, with an error."""
    await shop.product("LAMP", stock=50)
    for order_id in [await shop.held({"LAMP": 1}) for _ in range(8)]:
        outcomes = await asyncio.gather(confirm(shop, order_id), cancel(shop, order_id), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, NotAllowedInState) for outcome in outcomes), outcomes
        assert await shop.status(order_id) is OrderStatus.CANCELLED
