"""A fulfilment that ends while commands are on their way to it: each is answered; what owns an order is what runs."""

import asyncio
from uuid import UUID

import pytest

from api.dependencies import Resources
from api.invariants import check_all
from domain.errors import NotAllowedInState
from domain.messages.fulfilment import Command, Instruction
from tests.api.conftest import Caller
from tests.api.fulfilling import SHIPMENT, bought, done
from tests.api.shopping import until
from tests.api.test_operations import alone
from tests.builders import Shop
from tests.fakes.payments import FakePayments

_ = alone


@pytest.mark.usefixtures("worker")
async def test_a_command_that_meets_a_closing_fulfilment_is_answered_by_the_next_one(
    customer: Caller, shop: Shop, gateway: FakePayments, resources: Resources
) -> None:
    """Each is refused, after which the workflow ends at once: the others come before, in between and after."""
    order_id = await bought(customer, gateway, shop)

    at_once = asyncio.Semaphore(4)

    async def ask() -> str:
        async with at_once:
            with pytest.raises(NotAllowedInState) as refused:
                await resources.fulfilments.instruct(order_id, Instruction(Command.CAPTURE, "desk"), None)
            return refused.value.detail

    heard = await asyncio.gather(*(ask() for _ in range(60)))
    assert set(heard) == {"There is no money that waits to be taken."}


@pytest.mark.usefixtures("alone", "worker")
async def test_an_order_on_its_way_has_a_running_fulfilment_and_no_other_order_has(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, resources: Resources
) -> None:
    confirmed, packed, shipped, delivered, cancelled, forgotten = [
        await bought(customer, gateway, shop, {"LAMP": 1}) for _ in range(6)
    ]
    for order_id in (packed, shipped, delivered, cancelled, forgotten):
        await done(staff, order_id, "process")
    for order_id in (shipped, delivered):
        await done(staff, order_id, "ship", SHIPMENT)
    await done(staff, delivered, "deliver")
    await done(staff, cancelled, "cancel", {"reason": "sold out"})
    await until(lambda: _adds_up(resources, set()))
    await resources.temporal.get_workflow_handle(f"fulfilment-{forgotten}").terminate()
    await until(lambda: _adds_up(resources, {forgotten}))
    await shop.rows("UPDATE orders SET status = 'processing' WHERE id = :id", id=confirmed)
    await shop.rows("UPDATE orders SET status = 'delivered' WHERE id = :id", id=shipped)
    await until(lambda: _adds_up(resources, {forgotten, confirmed, shipped}))


async def _adds_up(resources: Resources, but_for: set[UUID]) -> bool:
    """What Temporal lists comes a moment after what it did."""
    _, findings = await check_all(resources.database, resources.gateway, resources.temporal, resources.redis)
    (owners,) = [finding for finding in findings if finding.name == "T1"]
    return set(owners.offenders) == {str(order_id) for order_id in but_for}
