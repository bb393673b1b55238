"""When the money is taken later, and when the hold ends while the bank is being asked."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from core.database import Database
from core.settings import Settings
from domain.messages.checkout import CheckoutResult
from domain.orders import CaptureAt, OrderStatus
from gateways.payments import IntentStatus
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import RunWorker, StartCheckout, starting_on
from tests.workflows.test_checkout_rescued import challenged
from tests.workflows.test_checkout_undone import Doorman, wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow


@pytest.mark.history
async def test_money_that_is_taken_at_shipping_is_only_set_aside_by_the_checkout(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    async with run_worker(capture_at=CaptureAt.SHIPPING):
        assert await (await start(order_id)).result() == CheckoutResult(str(order_id), "confirmed")
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured) == ("authorized", 0)
    assert gateway.count("capture") == 0
    assert await shop.stock("LAMP") == (3, 0)
    await shop.require_invariants()


@pytest.mark.parametrize("after", [False, True], ids=["before its work", "after its work"])
async def test_a_hold_that_ends_while_the_bank_is_asked_lets_go_of_the_money_that_was_set_aside(
    after: bool, shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis,
    gateway: FakePayments,
) -> None:  # fmt: skip
    """The shopper said yes in time, and the answer comes too late: nothing of it may come to life again."""
    changed = settings.model_copy(update={"card_hold": timedelta(seconds=2)})
    doorman = Doorman("check_payment", after=after)
    activities = [doorman.guard(method) for method in list_activities(changed, database, redis, gateway)]
    async with running_workers(temporal, changed, activities):
        order_id, checkout = await challenged(shop, starting_on(temporal, changed))
        gateway.finish_3ds(f"pi_{order_id.hex}", paid=True)
        await checkout.signal(CheckoutWorkflow.payment_news)
        await asyncio.wait_for(doorman.arrived.wait(), 10)

        async def is_let_go() -> bool:
            return gateway.count("void") > 0

        await wait_until(is_let_go)
        doorman.may_pass.set()
        result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "hold-expired")
    assert gateway.intents[f"pi_{order_id.hex}"].status is IntentStatus.VOIDED
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert (await shop.payment(order_id)).status == "voided"
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()
