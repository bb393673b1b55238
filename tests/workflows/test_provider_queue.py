"""The provider's own queue: what an outage holds up waits there and is seen, and comes back at a rate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from core.database import Database
from core.settings import Settings
from domain.messages.checkout import OrderStep, PaymentOutcome, ReceiptInput
from domain.orders import OrderStatus
from gateways.payments import IntentStatus, ProviderUnavailable
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, starting_on
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

THREE_D_SECURE = "pm_card_authenticationRequired"


class AwayPayments(FakePayments):
    """Answers nothing to what is in `away`."""

    def __init__(self) -> None:
        super().__init__()
        self.away: frozenset[str] = frozenset()

    def _before(self, operation: str, ref: str) -> None:
        super()._before(operation, ref)
        if operation in self.away:
            raise ProviderUnavailable(f"{operation} gets no answer")


@dataclass
class Scene:
    """Checkouts on the real server, on a queue of their own."""

    shop: Shop
    client: Client
    settings: Settings
    database: Database
    redis: Redis
    gateway: AwayPayments = field(default_factory=AwayPayments)
    checkouts: dict[UUID, Checkout] = field(default_factory=dict)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        activities = list_activities(self.settings, self.database, self.redis, self.gateway)
        async with running_workers(self.client, self.settings, activities):
            yield

    async def check_out(self, token: str = "pm_card_visa") -> UUID:
        order_id = await self.shop.request({"LAMP": 1}, token=token)
        self.checkouts[order_id] = await starting_on(self.client, self.settings)(order_id)
        return order_id

    async def at_the_bank(self) -> UUID:
        order_id = await self.check_out(THREE_D_SECURE)
        await self.checkouts[order_id].execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        return order_id

    async def stuck(self) -> dict[UUID, str]:
        """As staff find them."""
        query = f"StuckStep IS NOT NULL AND ExecutionStatus = 'Running' AND TaskQueue = '{self.settings.task_queue}'"
        runs = [run async for run in self.client.list_workflows(query)]
        found = {UUID(run.id.removeprefix("checkout-")): run.typed_search_attributes for run in runs}
        return {order_id: next(str(p.value) for p in by if p.key.name == "StuckStep") for order_id, by in found.items()}

    async def steps_at_the_provider(self) -> list[datetime]:
        """When each step on the provider's queue began, its last attempt, by the server's clock."""
        begun: list[datetime] = []
        queue = f"{self.settings.task_queue}-stripe"
        for checkout in self.checkouts.values():
            scheduled: set[int] = set()
            for event in (await checkout.fetch_history()).events:
                if event.activity_task_scheduled_event_attributes.task_queue.name == queue:
                    scheduled.add(event.event_id)
                if event.activity_task_started_event_attributes.scheduled_event_id in scheduled:
                    begun.append(event.event_time.ToDatetime())
        return sorted(begun)


@pytest.fixture
async def scene(shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis) -> Scene:
    changes = {"task_queue": "checkout-away", "stuck_after": timedelta(seconds=0.5), "worker_max_cached_workflows": 100}
    await shop.product("LAMP", stock=50)
    return Scene(shop, temporal, settings.model_copy(update=changes), database, redis)


async def test_orders_in_flight_wait_out_an_outage_are_seen_and_finish_by_themselves(scene: Scene) -> None:
    """One is being made, one captured, one asked about, one let go of: none is undone for it, and none is forgotten."""
    gateway = scene.gateway
    async with scene.working():
        asked, given_up = await scene.at_the_bank(), await scene.at_the_bank()
        gateway.away = frozenset({"capture"})
        captured = await scene.check_out()
        await scene.checkouts[captured].execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        gateway.away = frozenset({"create", "confirm", "retrieve", "capture", "void"})
        made = await scene.check_out()
        gateway.finish_3ds(f"pi_{asked.hex}", paid=True)
        await scene.checkouts[asked].signal(CheckoutWorkflow.payment_news)
        await scene.checkouts[given_up].signal("cancel_order")
        stuck_at = {
            made: "authorise_payment", captured: "capture_payment", asked: "check_payment", given_up: "void_payment",
        }  # fmt: skip

        async def all_are_seen() -> bool:
            return await scene.stuck() == stuck_at

        await wait_until(all_are_seen, 20)
        for order_id in stuck_at:
            pending = (await scene.checkouts[order_id].describe()).raw_description.pending_activities
            failures = {step.activity_type.name: step.last_failure.message for step in pending}
            assert "gets no answer" in failures[stuck_at[order_id]]
        assert await scene.shop.status(captured) is OrderStatus.CONFIRMED
        assert {await scene.shop.status(one) for one in (asked, given_up, made)} == {OrderStatus.PENDING_PAYMENT}
        assert await scene.shop.stock("LAMP") == (49, 3), "nothing is given back yet"

        gateway.away = frozenset()
        results = {order_id: (await checkout.result()).status for order_id, checkout in scene.checkouts.items()}
    assert results == {made: "confirmed", captured: "confirmed", asked: "confirmed", given_up: "cancelled"}
    assert await scene.stuck() == {}
    assert await scene.shop.stock("LAMP") == (47, 0)
    states = sorted(intent.status for intent in gateway.intents.values())
    assert states == [*[IntentStatus.CAPTURED] * 3, IntentStatus.VOIDED]
    await scene.shop.require_invariants()


async def test_what_an_outage_held_up_does_not_fall_upon_the_provider_at_once(scene: Scene) -> None:
    """Ten orders of two steps each, at five steps a second: a bound from below, by the server's own clock."""
    rate = 5
    changes = {"provider_calls_per_second": rate, "task_queue": "checkout-rate"}
    scene.settings = scene.settings.model_copy(update=changes)
    scene.gateway.away = frozenset({"create"})
    async with scene.working():
        orders = [await scene.check_out() for _ in range(10)]

        async def all_are_held_up() -> bool:
            return len(await scene.stuck()) == len(orders)

        await wait_until(all_are_held_up, 20)
        scene.gateway.away = frozenset()
        results = await asyncio.gather(*(checkout.result() for checkout in scene.checkouts.values()))
    assert {result.status for result in results} == {"confirmed"}
    begun = await scene.steps_at_the_provider()
    assert len(begun) == 20
    burst = rate + 1
    assert begun[-1] - begun[0] >= timedelta(seconds=(len(begun) - burst) / rate) * 0.9
    await scene.shop.require_invariants()


@workflow.defn(name="BeforeTheProviderHadAQueue")
class BeforeTheProviderHadAQueue:
    """A checkout as it was scheduled before: its step stands in the shop's own queue."""

    @workflow.run
    async def run(self, step: OrderStep) -> PaymentOutcome:
        outcome: PaymentOutcome = await workflow.execute_activity(
            "capture_payment",
            step,
            result_type=PaymentOutcome,
            task_queue="checkout-away",
            start_to_close_timeout=timedelta(seconds=10),
        )
        return outcome


async def test_a_step_that_was_asked_for_before_the_provider_had_a_queue_is_still_served(scene: Scene) -> None:
    scene.gateway.away = frozenset({"capture"})
    async with scene.working():
        order_id = await scene.check_out()
        await scene.checkouts[order_id].execute_update(CheckoutWorkflow.receipt, ReceiptInput())
        scene.gateway.away = frozenset()
        elsewhere: Any = {"task_queue": "before", "workflow_runner": UnsandboxedWorkflowRunner()}
        async with Worker(scene.client, workflows=[BeforeTheProviderHadAQueue], **elsewhere):
            outcome = await scene.client.execute_workflow(
                BeforeTheProviderHadAQueue.run, OrderStep(str(order_id)), id=f"before-{order_id}", task_queue="before"
            )
        assert outcome == PaymentOutcome("captured")
        assert (await scene.checkouts[order_id].result()).status == "confirmed"
    await scene.shop.require_invariants()
