"""A fulfilment that is interrupted: by a cancellation in the middle of a capture, and by workers that die in each step.

On the real server: the one that skips time hangs when an activity ends while its cancellation is on its way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from core.database import Database
from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.fulfilment import Command
from domain.orders import CaptureAt, OrderStatus
from gateways.payments import IntentStatus, ProviderUnavailable
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import starting_on
from tests.workflows.desk import Desk, refusal_of
from tests.workflows.fulfilling import bought
from tests.workflows.test_checkout_undone import Doorman, wait_until
from worker import list_activities, running_workers
from workflows.fulfilment import FulfilmentWorkflow

Method = Callable[..., Awaitable[Any]]


@pytest.fixture
def desk(temporal: Client, settings: Settings) -> Desk:
    return Desk(temporal, settings.task_queue)


@pytest.fixture
def at_work(
    temporal: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> Callable[..., Any]:
    """`async with at_work(guard, capture_at=...)`: a worker whose activities are passed through `guard`."""

    @asynccontextmanager
    async def run(guard: Callable[[Method], Method] = lambda method: method, **changes: Any) -> AsyncIterator[None]:
        changed = settings.model_copy(update={"worker_graceful_shutdown": timedelta(0), **changes})
        activities = [guard(method) for method in list_activities(changed, database, redis, gateway)]
        async with running_workers(temporal, changed, activities):
            yield

    return run


async def packed(shop: Shop, desk: Desk) -> UUID:
    order_id = await bought(shop, desk)
    await desk.say(order_id, Command.PROCESS)
    return order_id


@pytest.mark.parametrize("is_late", [False, True], ids=["before it is taken", "after it was taken"])
async def test_a_cancellation_wins_over_a_capture_that_keeps_failing(
    is_late: bool, shop: Shop, desk: Desk, gateway: FakePayments, at_work: Any
) -> None:
    """Whether or not the provider took the money before its reply was lost."""
    faults = gateway.late_faults if is_late else gateway.faults
    async with at_work(capture_at=CaptureAt.SHIPPING):
        order_id = await packed(shop, desk)
        faults["capture"] += [ProviderUnavailable("away")] * 1000
        shipping = asyncio.create_task(desk.ship(order_id))

        async def is_failing() -> bool:
            return gateway.count("capture") > 0

        await wait_until(is_failing)
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        assert (await refusal_of(shipping)).type == "not-allowed-in-state"
        await desk.fulfilment(order_id).result()
    payment = await shop.payment(order_id)
    assert (payment.captured, payment.refunded) == ((3 * 1999, 3 * 1999) if is_late else (0, 0))
    assert gateway.intents[str(payment.provider_ref)].status is not IntentStatus.AUTHORIZED
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def test_commands_that_pile_up_during_an_outage_leave_room_for_a_cancellation(
    shop: Shop, desk: Desk, gateway: FakePayments, at_work: Any
) -> None:
    async with at_work(capture_at=CaptureAt.SHIPPING):
        order_id = await packed(shop, desk)
        gateway.fail("capture", 1000)
        waiting = [asyncio.create_task(desk.ship(order_id, LAMP=1)) for _ in range(8)]

        async def some_are_turned_away() -> bool:
            return sum(task.done() for task in waiting) >= 2

        await wait_until(some_are_turned_away)
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        heard = [(await refusal_of(task)).type for task in waiting]
        assert heard == ["not-allowed-in-state"] * 8
        await desk.fulfilment(order_id).result()
    await shop.require_invariants()


@pytest.mark.parametrize("after", [False, True], ids=["before its work", "after its work"])
@pytest.mark.parametrize("command", [Command.CANCEL, Command.SHIP, Command.CAPTURE])
async def test_a_cancellation_while_the_money_is_being_taken_leaves_nothing_half(
    command: Command, after: bool, shop: Shop, desk: Desk,
    gateway: FakePayments, at_work: Any,
) -> None:  # fmt: skip
    """The capture hangs; what comes behind it in line is a cancellation, or something that has to wait."""
    doorman = Doorman("capture_payment", after=after)
    async with at_work(doorman.guard, capture_at=CaptureAt.SHIPPING):
        order_id = await packed(shop, desk)
        first = asyncio.create_task(desk.ship(order_id, LAMP=1))
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        second = asyncio.create_task(desk.say(order_id, command, carrier="DHL", tracking_number="JJD1"))
        if command is Command.CANCEL:
            assert await second == "cancelled"
            assert (await refusal_of(first)).type == "not-allowed-in-state"
        doorman.may_pass.set()
        if command is Command.SHIP:
            assert [await first, await second] == ["processing", "shipped"]
        if command is Command.CAPTURE:
            assert await first == "processing"
            assert (await refusal_of(second)).type == "not-allowed-in-state", "it is taken already"
    cancelled = command is Command.CANCEL
    payment = await shop.payment(order_id)
    assert payment.captured - payment.refunded == (0 if cancelled else 3 * 1999)
    assert gateway.intents[str(payment.provider_ref)].status is not IntentStatus.AUTHORIZED
    assert await shop.stock("LAMP") == ((10, 0) if cancelled else (7, 0))
    await shop.require_invariants()


STEPS = ["claim_rest", "refund_payment", "give_back_unshipped", "expect_return", "cancel_order"]


@pytest.mark.parametrize(("step", "after"), [("refund_payment", False), *((step, True) for step in STEPS)])
async def test_a_cancellation_whose_worker_dies_in_a_step_goes_on_with_another(
    step: str, after: bool, shop: Shop, desk: Desk, gateway: FakePayments,
    at_work: Any,
) -> None:  # fmt: skip
    doorman = Doorman(step, after=after)
    async with at_work(doorman.guard):
        order_id = await packed(shop, desk)
        await desk.ship(order_id, LAMP=1)
        await desk.fulfilment(order_id).signal("cancel_order")
        await asyncio.wait_for(doorman.arrived.wait(), 10)
    assert await shop.status(order_id) is (
        OrderStatus.CANCELLED if after and step == "cancel_order" else OrderStatus.PROCESSING
    )
    async with at_work():
        assert (await desk.fulfilment(order_id).result()).status == "cancelled"
    assert gateway.intents[f"pi_{order_id.hex}"].refunded.amount == 3 * 1999
    assert await shop.stock("LAMP") == (9, 0)
    assert await shop.rows("SELECT status FROM refunds") == [("succeeded",)]
    assert await shop.rows("SELECT cause FROM returns") == [("undelivered",)]
    await shop.require_invariants()


@pytest.mark.parametrize("step", ["ship_order", "deliver_order"])
async def test_a_command_whose_worker_dies_after_its_work_is_carried_out_once(
    step: str, shop: Shop, desk: Desk, at_work: Any
) -> None:
    """The local step is asked again: it finds what it did."""
    doorman = Doorman(step, after=True)
    commands = [
        (Command.PROCESS, {}),
        (Command.SHIP, {"carrier": "DHL", "tracking_number": "1"}),
        (Command.DELIVER, {}),
    ]
    async with at_work():
        order_id = await bought(shop, desk)

    async def tell() -> str:
        for command, more in commands:
            status = await desk.say(order_id, command, **more)
        return status

    async with at_work(doorman.guard):
        told = asyncio.create_task(tell())
        await asyncio.wait_for(doorman.arrived.wait(), 10)
    async with at_work():
        assert await told == "delivered"
        await desk.fulfilment(order_id).result()
    assert await shop.events(order_id) == ["placed", "confirmed", "processing", "shipped", "delivered"]
    assert await shop.rows("SELECT count(*) FROM shipments") == [(1,)]
    await shop.require_invariants()


async def test_it_waits_for_its_checkout_to_close(
    shop: Shop, temporal: Client, settings: Settings, desk: Desk, gateway: FakePayments, at_work: Any
) -> None:
    """The order is confirmed, and its checkout is stuck taking the money."""
    gateway.faults["capture"].append(PaymentRefused("not now"))
    # Without a cache the SDK loses a first task whose local step has to be retried, until it times out.
    async with at_work(worker_max_cached_workflows=100):
        await shop.product("LAMP")
        order_id = await shop.request({"LAMP": 1})
        checkout = await starting_on(temporal, settings)(order_id)

        async def is_stuck() -> bool:
            return gateway.count("capture") == 1 and await shop.status(order_id) is OrderStatus.CONFIRMED

        await wait_until(is_stuck)
        fulfilment = await desk.begin(order_id)
        packing = asyncio.create_task(desk.say(order_id, Command.PROCESS))

        async def waits_visibly() -> bool:
            pending = (await fulfilment.describe()).raw_description.pending_activities
            return [step.activity_type.name for step in pending] == ["open_fulfilment"]

        await wait_until(waits_visibly)
        assert await shop.status(order_id) is OrderStatus.CONFIRMED
        await fulfilment.signal("cancel_order", {"by": "ops-desk"})
        await checkout.signal("retry_stuck")
        assert await packing == "processing"
        assert (await fulfilment.result()).status == "cancelled"
    assert await shop.events(order_id) == ["placed", "confirmed", "processing", "cancelled"]
    assert (await shop.payment(order_id)).refunded == 1999
    await shop.require_invariants()


async def test_a_payload_that_is_no_instruction_changes_nothing_and_wedges_nothing(
    shop: Shop, desk: Desk, at_work: Any
) -> None:
    async with at_work():
        order_id = await packed(shop, desk)
        fulfilment = desk.fulfilment(order_id)
        for argument in ("garbage", 7, {"command": "explode", "by": "me"}, {"by": "me"}, None):
            with pytest.raises(Exception, match=r"failed|update"):
                await fulfilment.execute_update("instruct", argument)
        assert (await fulfilment.query(FulfilmentWorkflow.progress)).waiting_for == "shipping"
        assert await desk.ship(order_id) == "shipped"
        await fulfilment.signal("cancel_order")
        await fulfilment.result()
