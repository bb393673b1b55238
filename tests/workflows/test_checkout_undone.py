"""A checkout that ends early: cancelled in each step, undos that get stuck and heal, captures that cannot succeed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from core.database import Database
from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.checkout import OrderStep, PaymentOutcome, ReceiptInput
from domain.orders import OrderStatus, PaymentMethod, fulfilment_workflow_id
from gateways.payments import IntentStatus
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import RunWorker, StartCheckout, starting_on
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

# A local step holds its workflow task open: what is sent meanwhile is heard after it, perhaps after the capture.
STEPS = ["place_order", "reserve_stock", "authorise_payment", "confirm_order", "take_cart_lines", "capture_payment"]


class Doorman:
    """Holds a step's activity before or after its work until told to let it through."""

    def __init__(self, step: str, *, after: bool) -> None:
        self.step, self.after = step, after
        self.arrived, self.may_pass = asyncio.Event(), asyncio.Event()

    def guard(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        if method.__name__ != self.step:
            return method
        input_type = method.__annotations__["step"]

        async def guarded(step: Any) -> Any:
            if not self.after:
                await self._stand()
            result = await method(step)
            if self.after:
                await self._stand()
            return result

        guarded.__annotations__ = {"step": input_type, "return": method.__annotations__["return"]}
        return activity.defn(name=method.__name__)(guarded)

    async def _stand(self) -> None:
        self.arrived.set()
        await self.may_pass.wait()


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 — a workflow tells nobody that it is stuck
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("after", [False, True], ids=["before its work", "after its work"])
@pytest.mark.parametrize("how", ["signal", "cancellation"])
@pytest.mark.parametrize("step", STEPS)
async def test_an_order_cancelled_in_any_step_is_undone_or_paid_and_never_half(
    step: str,
    how: str,
    after: bool,
    shop: Shop,
    temporal: Client,
    settings: Settings,
    database: Database,
    redis: Any,
    gateway: FakePayments,
) -> None:
    """On the real server: the one that skips time hangs when an activity ends while its cancellation is on its way."""
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    doorman = Doorman(step, after=after)
    activities = [doorman.guard(method) for method in list_activities(settings, database, redis, gateway)]
    async with running_workers(temporal, settings, activities):
        checkout = await starting_on(temporal, settings)(order_id)
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        await (checkout.signal("cancel_order") if how == "signal" else checkout.cancel())
        await asyncio.sleep(0.05)
        doorman.may_pass.set()
        if how == "signal":
            if (await checkout.result()).status == "confirmed":
                await temporal.get_workflow_handle(fulfilment_workflow_id(order_id)).result()
        else:
            with pytest.raises(WorkflowFailureError) as failure:
                await checkout.result()
            assert isinstance(failure.value.cause, CancelledError)
    kept = sum(p.captured - p.refunded for p in [await shop.payment(order_id)]) if gateway.intents else 0
    assert all(intent.status is not IntentStatus.AUTHORIZED for intent in gateway.intents.values())
    if await shop.status(order_id) is OrderStatus.CANCELLED:
        assert kept == 0
        assert await shop.stock("LAMP") == (5, 0)
    else:
        assert how == "cancellation", "what comes too late for the checkout is carried out by the fulfilment"
        assert step in STEPS[3:], "only money that was taken already makes it too late"
        assert kept == 2 * 1999
        assert await shop.stock("LAMP") == (3, 0)
    await shop.require_invariants()


@pytest.mark.history
async def test_a_cancellation_before_the_first_step_leaves_a_cancelled_order(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    checkout = await start(order_id, signal="cancel_order")
    async with run_worker():
        assert (await checkout.result()).status == "cancelled"
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert gateway.calls == []
    await shop.require_invariants()


@pytest.mark.history
async def test_an_undo_that_keeps_failing_becomes_visible_and_heals_by_itself(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    async with run_worker(stuck_after=timedelta(seconds=5)):
        checkout = await start(order_id)
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        gateway.fail("void", 12)
        await checkout.signal("cancel_order")
        assert (await checkout.result()).status == "cancelled"
    history = str(await checkout.fetch_history())
    assert "StuckStep" in history
    assert "void_payment" in history
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


@pytest.mark.history
async def test_a_refused_undo_waits_for_retry_stuck(
    shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    async with run_worker():
        checkout = await start(order_id)
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        gateway.faults["void"].append(PaymentRefused("not today"))
        await checkout.signal("cancel_order")

        async def is_stuck() -> bool:
            progress = await checkout.query(CheckoutWorkflow.progress)
            return progress.stuck_step == "void_payment" and progress.waiting_for == "retry_stuck"

        await wait_until(is_stuck)
        assert (await checkout.query(CheckoutWorkflow.progress)).last_error == "not today"
        assert await shop.status(order_id) is OrderStatus.PENDING_PAYMENT, "cancelled is written last"
        await checkout.signal("retry_stuck")
        assert (await checkout.result()).status == "cancelled"
    await shop.require_invariants()


@pytest.mark.parametrize(("way_out", "ends"), [("retry_stuck", "confirmed"), ("cancel_order", "cancelled")])
async def test_a_capture_that_is_refused_parks_the_order_for_staff(
    way_out: str, ends: str, shop: Shop, start: StartCheckout, run_worker: RunWorker, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    gateway.faults["capture"].append(PaymentRefused("the authorisation is gone"))
    order_id = await shop.request({"LAMP": 2})
    async with run_worker():
        checkout = await start(order_id)

        async def is_stuck() -> bool:
            return (await checkout.query(CheckoutWorkflow.progress)).stuck_step == "capture_payment"

        await wait_until(is_stuck)
        assert await shop.status(order_id) is OrderStatus.CONFIRMED
        await checkout.signal(way_out)
        assert (await checkout.result()).status == ends
    assert await shop.stock("LAMP") == ((3, 0) if ends == "confirmed" else (5, 0))
    await shop.require_invariants()


@pytest.mark.parametrize("signal", [None, "cancel_order"])
async def test_a_bug_in_an_undo_does_not_lose_the_order(
    signal: str | None, shop: Shop, start: StartCheckout, run_worker: RunWorker
) -> None:
    """An order that nobody asked for has nothing to undo: the workflow fails and says why."""
    async with run_worker():
        checkout = await start(UUID(int=7), signal=signal)
        with pytest.raises(WorkflowFailureError):
            await checkout.result()


async def test_a_refused_step_that_was_never_expected_still_undoes_everything(
    shop: Shop, start: StartCheckout, skipping_client: Client, settings: Settings, database: Database,
    redis: Any, gateway: FakePayments,
) -> None:  # fmt: skip
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, method=PaymentMethod.COD)

    @activity.defn(name="confirm_order")
    async def confirm_order(step: OrderStep) -> PaymentOutcome:
        raise ApplicationError("no", type="surprise", non_retryable=True)

    others = [a for a in list_activities(settings, database, redis, gateway) if a.__name__ != "confirm_order"]
    async with running_workers(skipping_client, settings, [*others, confirm_order]):
        checkout = await start(order_id, signal="confirm_cod")
        assert (await checkout.result()).status == "cancelled"
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()
