"""A fulfilment that somebody terminates in the middle of a cancellation: what was begun is finished by the next one."""

import asyncio
from typing import Any

import pytest

from domain.messages.fulfilment import Command
from domain.orders import CaptureAt
from gateways.payments import IntentStatus
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.desk import Desk, refusal_of
from tests.workflows.fulfilling import bought
from tests.workflows.test_checkout_undone import Doorman
from tests.workflows.test_fulfilment_interrupted import at_work, desk

_ = at_work, desk


@pytest.mark.parametrize("is_part_shipped", [False, True], ids=["nothing shipped", "part shipped"])
@pytest.mark.parametrize("then", [Command.SHIP, Command.CANCEL])
@pytest.mark.parametrize(
    ("capture_at", "step"),
    [
        (CaptureAt.SHIPPING, "void_payment"),
        (CaptureAt.CONFIRMATION, "claim_rest"),
        (CaptureAt.CONFIRMATION, "refund_payment"),
        (CaptureAt.CONFIRMATION, "give_back_unshipped"),
        (CaptureAt.CONFIRMATION, "expect_return"),
    ],
)
async def test_an_order_whose_cancellation_was_ended_half_way_is_never_shipped_for_nothing(
    capture_at: CaptureAt, step: str, then: Command, is_part_shipped: bool,
    shop: Shop, desk: Desk, gateway: FakePayments, at_work: Any,
) -> None:  # fmt: skip
    if is_part_shipped and step == "void_payment":
        capture_at = CaptureAt.CONFIRMATION  # what was shipped in part is captured: nothing is void
        step = "refund_payment"
    doorman = Doorman(step, after=True)
    async with at_work(doorman.guard, capture_at=capture_at):
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        if is_part_shipped:
            await desk.ship(order_id, LAMP=1)
        await desk.fulfilment(order_id).signal("cancel_order")
        await asyncio.wait_for(doorman.arrived.wait(), 10)
        await desk.fulfilment(order_id).terminate()
    async with at_work(capture_at=capture_at):
        said = desk.say(order_id, then, carrier="DHL", tracking_number="1")
        if then is Command.CANCEL:
            assert await said == "cancelled"
        else:
            assert (await refusal_of(said)).type == "not-allowed-in-state"
        assert (await desk.fulfilment(order_id).result()).status == "cancelled"
    payment = await shop.payment(order_id)
    assert payment.captured == payment.refunded
    assert gateway.intents[str(payment.provider_ref)].status is not IntentStatus.AUTHORIZED
    assert gateway.count("refund") == (1 if capture_at is CaptureAt.CONFIRMATION else 0)
    assert await shop.stock("LAMP") == ((9, 0) if is_part_shipped else (10, 0))
    await shop.require_invariants()
