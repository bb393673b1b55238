"""Somebody presses “Reset” at a checkout: what was done stays done, and an order that has moved on is left alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from core.database import Database
from core.settings import Settings
from domain.messages.fulfilment import Command
from domain.orders import CaptureAt, OrderStatus, PaymentMethod, fulfilment_workflow_id
from gateways.payments import IntentStatus
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, starting_on
from tests.workflows.desk import Desk
from tests.workflows.test_checkout_rescued import challenged
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow


@dataclass
class Scene:
    """A shop on the real server, whose workers come and go."""

    shop: Shop
    client: Client
    settings: Settings
    activities: list[Any]
    gateway: FakePayments

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with running_workers(self.client, self.settings, self.activities):
            yield

    @property
    def desk(self) -> Desk:
        return Desk(self.client, self.settings.task_queue)

    async def bought(self, method: PaymentMethod = PaymentMethod.CARD) -> tuple[UUID, Checkout]:
        """Two lamps of five, confirmed."""
        await self.shop.product("LAMP", stock=5)
        order_id = await self.shop.request({"LAMP": 2}, method=method)
        signal = "confirm_cod" if method is PaymentMethod.COD else None
        checkout = await starting_on(self.client, self.settings)(order_id, signal=signal)
        await checkout.result()
        return order_id, checkout

    async def reset(self, checkout: Checkout) -> Checkout:
        """To its very beginning. A signal that is sent before a worker is there is heard before the first step."""
        events = (await checkout.fetch_history()).events
        first = next(e for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
        request = ResetWorkflowExecutionRequest(
            namespace=self.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=checkout.id, run_id=checkout.result_run_id or ""),
            reason="pressed by mistake",
            workflow_task_finish_event_id=first.event_id,
            request_id=str(uuid4()),
        )
        again = await self.client.workflow_service.reset_workflow_execution(request)
        return self.client.get_workflow_handle_for(CheckoutWorkflow.run, checkout.id, run_id=again.run_id)

    async def facts(self, order_id: UUID) -> tuple[Any, ...]:
        """All that a reset could spoil."""
        payment = await self.shop.rows("SELECT status, captured, refunded FROM payments")
        rows = await self.shop.rows("SELECT status FROM reservations")
        events = await self.shop.events(order_id)
        return await self.shop.status(order_id), await self.shop.stock("LAMP"), payment, rows, events


@pytest.fixture
def scene(
    shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> Scene:
    return Scene(shop, temporal, settings, list_activities(settings, database, redis, gateway), gateway)


async def move(scene: Scene, order_id: UUID, to: str) -> None:
    """By its fulfilment."""
    if to == "cancelled":
        await scene.desk.say(order_id, Command.CANCEL)
        return
    await scene.desk.say(order_id, Command.PROCESS)
    if to in ("shipped", "delivered"):
        await scene.desk.ship(order_id)
    if to == "delivered":
        await scene.desk.say(order_id, Command.DELIVER)


@pytest.mark.parametrize("told", [None, "cancel_order"], ids=["alone", "with a cancellation sent to it"])
@pytest.mark.parametrize("to", ["processing", "shipped", "delivered", "cancelled"])
@pytest.mark.parametrize("method", PaymentMethod)
async def test_a_reset_of_an_order_that_has_moved_on_changes_nothing(
    method: PaymentMethod, to: str, told: str | None, scene: Scene
) -> None:
    async with scene.working():
        order_id, checkout = await scene.bought(method)
        await move(scene, order_id, to)
        before, calls = await scene.facts(order_id), list(scene.gateway.calls)
    again = await scene.reset(checkout)
    if told:
        await again.signal(told)
    async with scene.working():
        assert (await again.result()).status == to
        assert await scene.facts(order_id) == before
        assert scene.gateway.calls == calls
        if to in ("processing", "shipped"):
            await scene.client.get_workflow_handle(fulfilment_workflow_id(order_id)).terminate()
    await scene.shop.require_invariants()


async def test_a_reset_of_a_paid_order_leaves_it_paid(scene: Scene) -> None:
    async with scene.working():
        order_id, checkout = await scene.bought()
        before = await scene.facts(order_id)
        assert (await (await scene.reset(checkout)).result()).status == "confirmed"
    assert await scene.facts(order_id) == before
    assert (scene.gateway.count("confirm"), scene.gateway.count("capture")) == (1, 1)
    await scene.shop.require_invariants()


async def test_a_paid_order_that_is_cancelled_at_its_reset_checkout_is_given_back_by_its_fulfilment(
    scene: Scene,
) -> None:
    async with scene.working():
        order_id, checkout = await scene.bought()
    again = await scene.reset(checkout)
    await again.signal("cancel_order")
    async with scene.working():
        assert (await again.result()).status == "confirmed", "it is too late for the checkout"
        await scene.client.get_workflow_handle(fulfilment_workflow_id(order_id)).result()
    payment = await scene.shop.payment(order_id)
    assert (payment.captured, payment.refunded) == (2 * 1999, 2 * 1999)
    assert await scene.shop.status(order_id) is OrderStatus.CANCELLED
    assert await scene.shop.stock("LAMP") == (5, 0)
    await scene.shop.require_invariants()


@pytest.mark.parametrize("told", [None, "cancel_order"])
async def test_a_reset_while_the_bank_is_waited_for_goes_on_or_undoes_all_that_was_done(
    told: str | None, scene: Scene
) -> None:
    """The second checkout never made the first step itself, and knows all the same what there is to undo."""
    async with scene.working():
        order_id, checkout = await challenged(scene.shop, starting_on(scene.client, scene.settings))
    again = await scene.reset(checkout)
    scene.gateway.finish_3ds(f"pi_{order_id.hex}", paid=True)
    if told:
        await again.signal(told)
    async with scene.working():
        result = await again.result()
    intent = scene.gateway.intents[f"pi_{order_id.hex}"]
    undone, paid = ("cancelled", IntentStatus.VOIDED, (5, 0)), ("confirmed", IntentStatus.CAPTURED, (3, 0))
    assert (result.status, intent.status, await scene.shop.stock("LAMP")) == (undone if told else paid)
    assert len(scene.gateway.intents) == 1
    await scene.shop.require_invariants()


async def test_an_order_whose_capture_waits_for_its_shipping_is_not_captured_by_a_reset(
    scene: Scene, settings: Settings, database: Database, redis: Redis
) -> None:
    later = settings.model_copy(update={"capture_at": CaptureAt.SHIPPING})
    scene.activities = list_activities(later, database, redis, scene.gateway)
    async with scene.working():
        order_id, checkout = await scene.bought()
        assert (await (await scene.reset(checkout)).result()).status == "confirmed"
    assert (await scene.shop.payment(order_id)).status == "authorized"
    assert scene.gateway.count("capture") == 0
    await scene.shop.require_invariants()


async def test_a_reset_while_the_capture_is_stuck_captures(scene: Scene) -> None:
    await scene.shop.product("LAMP", stock=5)
    order_id = await scene.shop.request({"LAMP": 2})
    scene.gateway.fail("capture", 1000)
    async with scene.working():
        checkout = await starting_on(scene.client, scene.settings)(order_id)

        async def is_confirmed() -> bool:
            return scene.gateway.count("capture") > 0

        await wait_until(is_confirmed)
        again = await scene.reset(checkout)
        scene.gateway.faults.clear()
        assert (await again.result()).status == "confirmed"
    assert (await scene.shop.payment(order_id)).status == "captured"
    await scene.shop.require_invariants()
