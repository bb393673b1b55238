"""A cancellation that is answered, and one that comes when the money is taken, which the fulfilment carries out."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio.client import Client, WorkflowUpdateFailedError

from core.database import Database
from core.settings import Settings
from domain.messages.checkout import Decision, ReceiptInput
from domain.orders import OrderStatus, PaymentMethod, fulfilment_workflow_id
from gateways.payments import IntentStatus
from tests.activities.gateways import set_intent
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import RunWorker, StartCheckout, starting_on
from tests.workflows.desk import Desk
from tests.workflows.test_checkout_rescued import challenged
from tests.workflows.test_checkout_undone import Doorman
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

ADA = Decision("ada", "changed my mind")


@pytest.fixture
def cached(settings: Settings) -> Settings:
    """Without a cache the checkout evicts the fulfilment between two tries of its first step, for ten seconds."""
    return settings.model_copy(update={"worker_max_cached_workflows": 100})


@pytest.mark.history
async def test_a_cancellation_is_answered_once_all_is_undone(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id, checkout = await challenged(shop, start)
        answer = await checkout.execute_update(CheckoutWorkflow.cancel, ADA)
        assert answer.status == "cancelled"
        assert gateway.intents[f"pi_{order_id.hex}"].status is IntentStatus.VOIDED
        assert await shop.stock("LAMP") == (5, 0)
        result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "order-cancelled")
    cancelled = await shop.rows("SELECT actor, note FROM order_events WHERE kind = 'cancelled'")
    assert cancelled == [("ada", "changed my mind")]
    await shop.require_invariants()


async def test_two_cancellations_at_once_are_one_and_hear_the_same(
    shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, method=PaymentMethod.COD)
    async with run_worker():
        checkout = await start(order_id)
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        answers = await asyncio.gather(
            *(checkout.execute_update(CheckoutWorkflow.cancel, Decision(by)) for by in ("ada", "staff"))
        )
    assert [answer.status for answer in answers] == ["cancelled", "cancelled"]
    assert (await shop.events(order_id)).count("cancelled") == 1
    await shop.require_invariants()


@pytest.mark.parametrize(
    "decision", [Decision(""), Decision("z" * 100), Decision("ada", "\x00"), Decision("a", "z" * 501)]
)
async def test_a_cancellation_that_could_not_be_written_down_is_refused(
    decision: Decision, shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id, checkout = await challenged(shop, start)
        with pytest.raises(WorkflowUpdateFailedError):
            await checkout.execute_update(CheckoutWorkflow.cancel, decision)
        assert await shop.status(order_id) is OrderStatus.PENDING_PAYMENT
        await checkout.execute_update(CheckoutWorkflow.cancel, ADA)


@pytest.mark.parametrize("after", [False, True], ids=["before its work", "after its work"])
async def test_a_cancellation_during_the_capture_is_answered_with_what_became_of_it(
    after: bool, shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis,
    gateway: FakePayments,
) -> None:  # fmt: skip
    """Told `confirmed`, whoever asked takes it to the fulfilment: nobody else does."""
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    doorman = Doorman("capture_payment", after=after)
    activities = [doorman.guard(method) for method in list_activities(settings, database, redis, gateway)]
    async with running_workers(temporal, settings, activities):
        checkout = await starting_on(temporal, settings)(order_id)
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        asked = asyncio.create_task(checkout.execute_update(CheckoutWorkflow.cancel, ADA))
        await asyncio.sleep(0.05)
        doorman.may_pass.set()
        answer = await asked
        assert answer.status == await shop.status(order_id) == (await checkout.result()).status
    assert not await _has_fulfilment(temporal, order_id)
    taken = answer.status == "confirmed"
    assert (await shop.payment(order_id)).captured == (2 * 1999 if taken else 0)
    assert await shop.stock("LAMP") == ((3, 0) if taken else (5, 0))
    assert taken or not after
    await shop.require_invariants()


async def _has_fulfilment(temporal: Client, order_id: UUID) -> bool:
    query = f"WorkflowId = '{fulfilment_workflow_id(order_id)}'"
    return bool([run async for run in temporal.list_workflows(query)])


async def test_a_signal_that_comes_when_the_money_is_taken_is_carried_out_by_the_fulfilment(
    shop: Shop, temporal: Client, cached: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    doorman = Doorman("capture_payment", after=True)
    activities = [doorman.guard(method) for method in list_activities(cached, database, redis, gateway)]
    async with running_workers(temporal, cached, activities):
        checkout = await starting_on(temporal, cached)(order_id)
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        await checkout.signal("cancel_order", {"by": "ada", "note": "changed my mind"})
        await asyncio.sleep(0.05)
        doorman.may_pass.set()
        assert (await checkout.result()).status == "confirmed"
        fulfilment: Any = temporal.get_workflow_handle(fulfilment_workflow_id(order_id))
        assert (await fulfilment.result())["status"] == "cancelled"
    await _require_given_back(shop, order_id, "ada")


async def test_a_fulfilment_that_waits_for_the_checkout_hears_of_the_cancellation(
    shop: Shop, temporal: Client, cached: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    doorman = Doorman("capture_payment", after=True)
    activities = [doorman.guard(method) for method in list_activities(cached, database, redis, gateway)]
    async with running_workers(temporal, cached, activities):
        checkout = await starting_on(temporal, cached)(order_id)
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        fulfilment = await Desk(temporal, cached.task_queue).begin(order_id)
        await checkout.signal("cancel_order")
        await asyncio.sleep(0.05)
        doorman.may_pass.set()
        assert (await checkout.result()).status == "confirmed"
        assert (await fulfilment.result()).status == "cancelled"
    await _require_given_back(shop, order_id, "temporal")


@pytest.mark.history
async def test_money_that_was_taken_elsewhere_does_not_save_an_order_that_was_cancelled(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments, desk: Desk
) -> None:
    async with run_worker():
        order_id, checkout = await challenged(shop, start)
        taken = gateway.intents[f"pi_{order_id.hex}"].amount
        set_intent(gateway, order_id, status=IntentStatus.CAPTURED, captured=taken, redirect_url=None)
        desk.orders.append(order_id)
        await checkout.signal("cancel_order")
        assert (await checkout.result()).status == "confirmed", "it cannot be let go any more"
        assert (await desk.fulfilment(order_id).result()).status == "cancelled"
    await _require_given_back(shop, order_id, "temporal")


async def _require_given_back(shop: Shop, order_id: UUID, by: str) -> None:
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert await shop.rows("SELECT actor FROM order_events WHERE kind = 'cancelled'") == [(by,)]
    payment = await shop.payment(order_id)
    assert (payment.captured, payment.refunded) == (2 * 1999, 2 * 1999)
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()
