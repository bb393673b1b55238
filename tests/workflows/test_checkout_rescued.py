"""What was done behind the checkout's back, or to it: money taken elsewhere, a reset, a bug, a second cancellation."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError

from core.database import Database
from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.checkout import CodDecision, OrderStep, Placement, ReceiptInput
from domain.orders import OrderStatus, PaymentMethod
from gateways.payments import IntentStatus
from tests.activities.gateways import set_intent
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, RunWorker, StartCheckout, starting_on
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow


async def challenged(shop: Shop, start: StartCheckout) -> tuple[UUID, Checkout]:
    """Waiting for the shopper at the bank."""
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2}, token="pm_card_authenticationRequired")
    checkout = await start(order_id)
    await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    return order_id, checkout


async def test_money_that_was_taken_at_the_provider_makes_the_order_a_paid_one(
    shop: Shop, start: StartCheckout, gateway: FakePayments, run_worker: RunWorker
) -> None:
    """It cannot be let go any more: the end of the hold may not leave it halfway."""
    async with run_worker(card_hold=timedelta(seconds=30)):
        order_id, checkout = await challenged(shop, start)
        intent = gateway.intents[f"pi_{order_id.hex}"]
        set_intent(gateway, order_id, status=IntentStatus.CAPTURED, captured=intent.amount, redirect_url=None)
        assert (await checkout.result()).status == "confirmed"
    assert await shop.status(order_id) is OrderStatus.CONFIRMED
    assert await shop.stock("LAMP") == (3, 0)
    assert (await shop.payment(order_id)).captured == 2 * 1999
    await shop.require_invariants()


async def test_a_second_cancellation_does_not_break_the_undos(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id, checkout = await challenged(shop, start)
        gateway.fail("void", 4)
        await checkout.cancel()
        await wait_until(lambda: has_called(gateway, "void"))
        await checkout.cancel()
        with pytest.raises(WorkflowFailureError):
            await checkout.result()
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()


async def has_called(gateway: FakePayments, operation: str) -> bool:
    return gateway.count(operation) > 0


async def test_a_sale_that_waits_for_its_capture_outlives_the_hold(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments, time_skipping: Any
) -> None:
    await shop.product("LAMP")
    gateway.faults["capture"].append(PaymentRefused("not today"))
    order_id = await shop.request({"LAMP": 1})
    async with run_worker():
        checkout = await start(order_id)

        async def is_stuck() -> bool:
            return (await checkout.query(CheckoutWorkflow.progress)).stuck_step == "capture_payment"

        await wait_until(is_stuck)
        await time_skipping.sleep(timedelta(hours=1))
        assert await shop.status(order_id) is OrderStatus.CONFIRMED
        await checkout.signal("retry_stuck")
        assert (await checkout.result()).status == "confirmed"
    assert (await shop.payment(order_id)).status == "captured"


@pytest.mark.parametrize("decision", [CodDecision(True, "z" * 100), CodDecision(True, "staff", "\x00")])
async def test_a_decision_that_could_not_be_written_down_is_refused(
    decision: CodDecision, shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, method=PaymentMethod.COD)
    async with run_worker():
        checkout = await start(order_id)
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        with pytest.raises(WorkflowUpdateFailedError):
            await checkout.execute_update(CheckoutWorkflow.decide_cod, decision)
        good = CodDecision(True, "staff", "called back")
        assert (await checkout.execute_update(CheckoutWorkflow.decide_cod, good)).status == "confirmed"


async def test_a_bug_stalls_and_undoes_nothing(
    shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> None:
    """Mended code goes on from where it stands; here the bug is an answer that the workflow cannot read."""
    activities = list_activities(settings, database, redis, gateway)
    place = next(method for method in activities if method.__name__ == "place_order")

    @activity.defn(name="place_order")
    async def broken(step: OrderStep) -> Placement:
        placed: Placement = await place(step)
        return Placement(placed.order_number, "no-such-status", "card", 900, 60)

    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    async with running_workers(temporal, settings, [broken if method == place else method for method in activities]):
        checkout = await starting_on(temporal, settings)(order_id)

        async def has_stalled() -> bool:
            history = await checkout.fetch_history()
            return any(e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for e in history.events)

        await wait_until(has_stalled)
        assert await shop.events(order_id) == ["placed"]
        await checkout.terminate("the test is over")
