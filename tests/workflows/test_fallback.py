"""Local steps that cannot be done in time become regular ones, which staff see; their histories replay."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Replayer

from core.database import Database
from core.settings import Settings
from domain.messages.checkout import OrderStep
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import starting_on
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

ListActivities = Callable[[str, Callable[[Any], Awaitable[None]]], list[Any]]


@pytest.fixture
def activities_with(settings: Settings, database: Database, redis: Redis, gateway: FakePayments) -> ListActivities:
    """All activities, before one of which something else happens."""

    def list_with(name: str, before: Callable[[Any], Awaitable[None]]) -> list[Any]:
        activities = list_activities(settings, database, redis, gateway)
        real = next(method for method in activities if method.__name__ == name)

        @activity.defn(name=name)
        async def other(step: OrderStep) -> None:
            await before(step)
            await real(step)

        return [other if method == real else method for method in activities]

    return list_with


@pytest.mark.parametrize("how", ["hangs", "fails at once"])
async def test_a_step_that_cannot_be_done_locally_becomes_a_regular_one_and_replays(
    how: str, shop: Shop, temporal: Client, settings: Settings, activities_with: ListActivities
) -> None:
    async def be_unwell_locally(_: object) -> None:
        if activity.info().is_local and how == "hangs":
            await asyncio.sleep(60)
        if activity.info().is_local:
            raise OSError("the database is away")

    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1})
    async with running_workers(temporal, settings, activities_with("reserve_stock", be_unwell_locally)):
        checkout = await starting_on(temporal, settings)(order_id)
        async with asyncio.timeout(20):
            assert (await checkout.result()).status == "confirmed"
    history = await checkout.fetch_history()
    assert "reserve_stock" in {
        event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events
    }
    await Replayer(workflows=[CheckoutWorkflow]).replay_workflow(history)


async def test_stock_is_back_when_the_order_is_cancelled_while_a_regular_reserve_has_done_its_work(
    shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> None:
    """The undo was registered before the step, so it does not matter that the step never answered."""
    activities = list_activities(settings, database, redis, gateway)
    reserve = next(method for method in activities if method.__name__ == "reserve_stock")
    is_done = asyncio.Event()

    @activity.defn(name="reserve_stock")
    async def never_answers(step: OrderStep) -> None:
        if activity.info().is_local:
            raise OSError("the database is away")
        await reserve(step)
        is_done.set()
        await asyncio.sleep(60)

    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    others = [never_answers if method == reserve else method for method in activities]
    async with running_workers(temporal, settings, others):
        checkout = await starting_on(temporal, settings)(order_id)
        await asyncio.wait_for(is_done.wait(), 15)
        assert await shop.stock("LAMP") == (5, 2)
        await checkout.signal("cancel_order")
        assert (await checkout.result()).status == "cancelled"
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()


async def test_a_step_that_keeps_failing_everywhere_is_shown_as_stuck(
    shop: Shop, temporal: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> None:
    async def be_away(_: object) -> None:
        raise OSError("the database is away")

    changed = settings.model_copy(update={"stuck_after": timedelta(seconds=1)})
    activities = list_activities(changed, database, redis, gateway)
    confirm = next(method for method in activities if method.__name__ == "confirm_order")
    away = activity.defn(name="confirm_order")(be_away)
    await shop.product("LAMP")
    order_id: UUID = await shop.request({"LAMP": 1})
    async with running_workers(temporal, changed, [away if method == confirm else method for method in activities]):
        checkout = await starting_on(temporal, changed)(order_id)

        async def is_stuck() -> bool:
            return (await checkout.query(CheckoutWorkflow.progress)).stuck_step == "confirm_order"

        await wait_until(is_stuck, 20)
    async with running_workers(temporal, changed, activities):
        await checkout.signal("retry_stuck")
        assert (await checkout.result()).status == "confirmed"
    await shop.require_invariants()
