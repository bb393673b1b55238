"""place_order, confirm_order, cancel_order and what happens while an order waits: each of them twice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from activities.inventory import InventoryActivities
from activities.orders import OrderActivities
from core.settings import Settings
from domain.errors import NotAllowedInState, NotFound
from domain.messages.checkout import CancelOrder, ConfirmOrder, OrderStep, ReleaseStock, RemindStaff, parse_decision
from domain.messages.steering import MoveHold, TellStuck
from domain.orders import OrderStatus, PaymentMethod
from tests.activities.conftest import run
from tests.builders import Shop


def cancellation(order_id: UUID, reason: str = "payment-declined") -> CancelOrder:
    return CancelOrder(str(order_id), reason, by="checkout", detail="No.", facts={"decline_code": "lost_card"})


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=5)


async def test_placing_twice_tells_of_the_same_order(shop: Shop, orders: OrderActivities, settings: Settings) -> None:
    order_id = await shop.request({"LAMP": 2})
    first, again = [await run(orders.place_order, OrderStep(str(order_id))) for _ in range(2)]
    assert first.order_number == again.order_number == (await shop.order(order_id)).number
    assert (first.status, first.payment_method, first.reminder_seconds) == ("pending_payment", "card", [])
    assert first.hold_seconds == settings.card_hold.total_seconds()
    assert again.hold_seconds < first.hold_seconds, "the hold runs from the first time"
    assert first.stuck_after_seconds == settings.stuck_after.total_seconds()
    assert await shop.events(order_id) == ["placed"]


async def test_an_order_to_be_paid_in_cash_comes_with_its_reminders(
    shop: Shop, orders: OrderActivities, settings: Settings
) -> None:
    order_id = await shop.request({"LAMP": 2}, method=PaymentMethod.COD)
    placement = await run(orders.place_order, OrderStep(str(order_id)))
    assert (placement.status, placement.payment_method) == ("pending_confirmation", "cod")
    assert placement.hold_seconds == settings.cod_hold.total_seconds()
    assert placement.reminder_seconds == [due.total_seconds() for due in settings.cod_reminders]


async def test_an_order_that_nobody_asked_for_is_not_placed(orders: OrderActivities) -> None:
    with pytest.raises(NotFound):
        await run(orders.place_order, OrderStep(str(uuid4())))


async def test_placing_after_the_order_was_cancelled_brings_it_not_back(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.request({"LAMP": 2})
    await run(orders.cancel_order, cancellation(order_id))
    assert (await run(orders.place_order, OrderStep(str(order_id)))).status == "cancelled"
    assert await shop.events(order_id) == ["placed", "cancelled"]


async def test_confirming_twice_sells_once(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.held({"LAMP": 2})
    for _ in range(2):
        await run(orders.confirm_order, ConfirmOrder(str(order_id), "sam", "in cash"))
    assert await shop.stock("LAMP") == (3, 0)
    assert await shop.events(order_id) == ["placed", "confirmed"]
    await shop.require_invariants()


async def test_confirming_after_the_stock_was_given_back_is_refused(
    shop: Shop, orders: OrderActivities, stock: InventoryActivities
) -> None:
    order_id = await shop.held({"LAMP": 2})
    await run(stock.release_stock, ReleaseStock(str(order_id)))
    for _ in range(2):
        with pytest.raises(NotAllowedInState):
            await run(orders.confirm_order, ConfirmOrder(str(order_id), "sam"))
    assert await shop.status(order_id) is OrderStatus.PENDING_PAYMENT
    assert await shop.stock("LAMP") == (5, 0)


async def test_cancelling_twice_writes_the_last_word_once(
    shop: Shop, orders: OrderActivities, stock: InventoryActivities
) -> None:
    order_id = await shop.held({"LAMP": 2})
    await run(stock.release_stock, ReleaseStock(str(order_id)))
    for _ in range(2):
        await run(orders.cancel_order, cancellation(order_id))
    assert (await shop.order(order_id)).cancel_reason == "payment-declined"
    assert (await shop.claim(order_id)).refusal == {
        "code": "payment-declined", "detail": "No.", "facts": {"decline_code": "lost_card"},
    }  # fmt: skip
    assert await shop.events(order_id) == ["placed", "cancelled"]
    with pytest.raises(NotAllowedInState):
        await run(orders.confirm_order, ConfirmOrder(str(order_id), "sam"))
    await shop.require_invariants()


async def test_a_payment_fails_and_opens_again_and_each_step_may_run_twice(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.held({"LAMP": 2})
    step = OrderStep(str(order_id))
    for activity, status in (
        (orders.fail_payment, OrderStatus.PAYMENT_FAILED),
        (orders.reopen_payment, OrderStatus.PENDING_PAYMENT),
        (orders.fail_payment, OrderStatus.PAYMENT_FAILED),
    ):
        for _ in range(2):
            await run(activity, step)
            assert await shop.status(order_id) is status
    assert await shop.events(order_id) == ["placed", "payment_failed", "payment_reopened", "payment_failed"]
    assert await shop.stock("LAMP") == (5, 2)
    await shop.require_invariants()


async def test_a_late_step_does_not_wake_a_cancelled_order(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.cancelled({"LAMP": 2})
    for activity in (orders.fail_payment, orders.reopen_payment):
        with pytest.raises(NotAllowedInState):
            await run(activity, OrderStep(str(order_id)))
    assert await shop.status(order_id) is OrderStatus.CANCELLED


async def test_each_reminder_is_noted_once(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.held({"LAMP": 2}, method=PaymentMethod.COD)
    for number in (1, 1, 2, 2):
        await run(orders.remind_staff, RemindStaff(str(order_id), number))
    assert await shop.events(order_id) == ["placed", "reminder_1", "reminder_2"]
    await shop.require_invariants()


@pytest.mark.parametrize("note", ["a\x00b", "\ud800"])
async def test_no_note_of_a_signal_can_stall_its_order(shop: Shop, orders: OrderActivities, note: str) -> None:
    order_id = await shop.held({"LAMP": 1}, method=PaymentMethod.COD)
    if decision := parse_decision(({"note": note},)):
        await run(orders.confirm_order, ConfirmOrder(str(order_id), decision.by, decision.note))
    assert await shop.status(order_id) is OrderStatus.PENDING_CONFIRMATION, "a malformed signal decides nothing"


async def test_extending_a_hold_twice_to_the_same_end_extends_it_once(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.held({"LAMP": 2})
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    for _ in range(2):
        await run(orders.extend_hold, MoveHold(str(order_id), ends_at.isoformat(), "desk", "on holiday"))
    assert (await shop.order(order_id)).hold_expires_at == ends_at
    assert await shop.rows("SELECT DISTINCT expires_at FROM reservations") == [(ends_at,)]
    assert await shop.events(order_id) == ["placed", "hold_extended"]
    await shop.require_invariants()


async def test_an_earlier_end_shortens_no_hold(shop: Shop, orders: OrderActivities) -> None:
    order_id = await shop.held({"LAMP": 2})
    before = (await shop.order(order_id)).hold_expires_at
    await run(orders.extend_hold, MoveHold(str(order_id), (before - timedelta(minutes=1)).isoformat(), "desk"))
    assert (await shop.order(order_id)).hold_expires_at == before


async def test_what_is_sold_or_given_back_is_not_held_for_longer(shop: Shop, orders: OrderActivities) -> None:
    ends_at = (datetime.now(UTC) + timedelta(days=8)).isoformat()
    for order_id in (await shop.confirmed({"LAMP": 1}), await shop.cancelled({"LAMP": 1})):
        with pytest.raises(NotAllowedInState):
            await run(orders.extend_hold, MoveHold(str(order_id), ends_at, "desk"))
    with pytest.raises(NotFound):
        await run(orders.extend_hold, MoveHold(str(uuid4()), ends_at, "desk"))
    await shop.require_invariants()


async def test_staff_are_told_once_that_a_step_is_stuck(shop: Shop, orders: OrderActivities) -> None:
    for role in ("staff", "admin", "customer"):
        await shop.user(role)
    order_id = await shop.held({"LAMP": 1})
    for since in (1, 1, 2):
        await run(orders.tell_stuck, TellStuck(str(order_id), "capture_payment", since))
    told = await shop.rows("SELECT order_id, facts->>'step' FROM notifications WHERE kind = 'order_stuck'")
    assert told == [(order_id, "capture_payment")] * 4, "two people, twice"
    assert await shop.rows("SELECT 1 FROM mails") == []
