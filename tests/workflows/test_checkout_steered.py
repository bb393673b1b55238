"""What staff do to a checkout that is under way: its hold is extended; and what they are told: that a step is stuck."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from core.database import Database
from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.checkout import ReceiptInput
from domain.messages.steering import ExtendHold, TellStuck
from domain.orders import OrderStatus, PaymentMethod
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, RunWorker, StartCheckout
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

DAY = 24 * 60


async def waiting(shop: Shop, start: StartCheckout) -> tuple[UUID, Checkout]:
    """A cash-on-delivery order, held for 72 hours."""
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2}, method=PaymentMethod.COD)
    checkout = await start(order_id)
    await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    return order_id, checkout


async def finish(checkout: Checkout) -> None:
    """Or its timers ring in the next test, which skips time too."""
    await checkout.signal("confirm_cod")
    assert (await checkout.result()).status == "confirmed"


async def extend(checkout: Checkout, minutes: int, **more: Any) -> str:
    extension = ExtendHold(minutes, by="desk", note="on holiday")
    return (await checkout.execute_update(CheckoutWorkflow.extend_hold, extension, **more)).status


async def refusal_of(checkout: Checkout, minutes: int) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await extend(checkout, minutes)
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause.type


async def deadlines(shop: Shop, order_id: UUID) -> set[datetime]:
    """Of the order and of what it reserved."""
    rows = await shop.rows(
        "SELECT hold_expires_at FROM orders WHERE id = :order "
        "UNION SELECT expires_at FROM reservations WHERE order_id = :order",
        order=order_id,
    )
    return {row[0] for row in rows}


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_an_extended_hold_ends_when_staff_said(
    shop: Shop, start: StartCheckout, time_skipping: WorkflowEnvironment
) -> None:
    order_id, checkout = await waiting(shop, start)
    [before] = await deadlines(shop, order_id)
    assert await extend(checkout, 2 * DAY) == "pending_confirmation"
    [after] = await deadlines(shop, order_id)
    assert abs(after - before - timedelta(days=2)) < timedelta(minutes=1), "two clocks"
    await time_skipping.sleep(timedelta(hours=100))
    assert await shop.status(order_id) is OrderStatus.PENDING_CONFIRMATION, "the first timer is gone"
    result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "hold-expired")
    assert await shop.reservations(order_id) == {"expired"}
    assert await shop.events(order_id) == ["placed", "hold_extended", "reminder_1", "reminder_2", "cancelled"]
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_an_extended_order_is_confirmed_as_any_other(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await waiting(shop, start)
    await extend(checkout, 60)
    await extend(checkout, 60)
    await finish(checkout)
    assert await shop.events(order_id) == ["placed", "hold_extended", "hold_extended", "confirmed"]
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_the_same_extension_sent_twice_extends_once(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await waiting(shop, start)
    await asyncio.gather(*[extend(checkout, 60, id="request-1") for _ in range(3)])
    assert await shop.events(order_id) == ["placed", "hold_extended"]
    await finish(checkout)


@pytest.mark.usefixtures("worker")
async def test_a_hold_is_never_longer_than_seven_days_from_now(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await waiting(shop, start)
    [before] = await deadlines(shop, order_id)
    for minutes in (0, -60, 4 * DAY + 1, 10**9):
        assert await refusal_of(checkout, minutes) == "not-allowed-in-state"
    assert await deadlines(shop, order_id) == {before}
    assert await extend(checkout, 4 * DAY - 1) == "pending_confirmation"
    await finish(checkout)


@pytest.mark.usefixtures("worker")
async def test_what_is_no_longer_held_is_not_extended(shop: Shop, start: StartCheckout, gateway: FakePayments) -> None:
    await shop.product("LAMP", stock=5)
    gateway.faults["capture"].append(PaymentRefused("the authorisation is gone"))
    order_id = await shop.request({"LAMP": 2})
    checkout = await start(order_id)

    async def is_confirmed() -> bool:
        return (await checkout.query(CheckoutWorkflow.progress)).stuck_step == "capture_payment"

    await wait_until(is_confirmed)
    assert await refusal_of(checkout, 60) == "not-allowed-in-state"
    await checkout.signal("retry_stuck")
    await checkout.result()
    await shop.require_invariants()


async def test_a_long_wait_for_the_bank_asks_the_provider_less_often(
    shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    """Asked every minute for seven days, the history would outgrow what Temporal lets a workflow have."""
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    async with run_worker(card_hold=timedelta(hours=3)):
        checkout = await start(order_id)
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        await checkout.signal("cancel_order")
        await checkout.result()
    timers = [event.timer_started_event_attributes for event in (await checkout.fetch_history()).events]
    lasting = {timer.start_to_fire_timeout.ToSeconds() for timer in timers} - {0}
    assert any(100 < seconds <= 108 for seconds in lasting), "a hundredth of three hours"


async def told(shop: Shop) -> list[dict[str, Any]]:
    rows = await shop.rows("SELECT facts FROM notifications WHERE kind = 'order_stuck' ORDER BY id")
    return [row[0] for row in rows]


@pytest.mark.history
async def test_staff_are_told_of_a_step_that_keeps_failing_once(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.user("staff")
    await shop.product("LAMP")
    gateway.fail("capture", 12)
    order_id = await shop.request({"LAMP": 1})
    async with run_worker(stuck_after=timedelta(seconds=5)):
        checkout = await start(order_id)
        assert (await checkout.result()).status == "confirmed"
    assert await told(shop) == [{"step": "capture_payment", "workflow_id": f"checkout-{order_id}"}]
    await shop.require_invariants()


async def test_staff_are_told_again_when_a_step_gets_stuck_anew(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.user("staff")
    await shop.user("admin")
    await shop.product("LAMP")
    gateway.faults["capture"] += [PaymentRefused("no"), PaymentRefused("still no")]
    order_id = await shop.request({"LAMP": 1})
    async with run_worker():
        checkout = await start(order_id)
        for times in (1, 2):

            async def are_told(times: int = times) -> bool:
                return len(await told(shop)) == 2 * times

            await wait_until(are_told)
            await checkout.signal("retry_stuck")
        assert (await checkout.result()).status == "confirmed"
    await shop.require_invariants()


async def test_staff_who_cannot_be_told_hold_nothing_up(
    shop: Shop, start: StartCheckout, skipping_client: Client, settings: Settings, database: Database, redis: Redis,
    gateway: FakePayments,
) -> None:  # fmt: skip
    await shop.product("LAMP", stock=5)
    gateway.faults["capture"].append(PaymentRefused("the authorisation is gone"))
    order_id = await shop.request({"LAMP": 2})
    asked: list[TellStuck] = []

    @activity.defn(name="tell_stuck")
    async def tell_stuck(step: TellStuck) -> None:
        asked.append(step)
        raise RuntimeError("nobody hears it")

    others = [a for a in list_activities(settings, database, redis, gateway) if a.__name__ != "tell_stuck"]
    async with running_workers(skipping_client, settings, [*others, tell_stuck]):
        checkout = await start(order_id)

        async def is_stuck() -> bool:
            return bool(asked) and (await checkout.query(CheckoutWorkflow.progress)).waiting_for == "retry_stuck"

        await wait_until(is_stuck)
        await checkout.signal("cancel_order")
        assert (await checkout.result()).status == "cancelled"
    assert asked[0].step == "capture_payment"
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()


async def test_the_web_ui_shows_what_an_order_waits_for_and_what_staff_may_do(
    shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    async with run_worker():
        _, checkout = await waiting(shop, start)
        shown = await checkout.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert shown.current_details.startswith("**Waits for staff.** Call the customer")
        await checkout.signal("confirm_cod")
        await checkout.result()
