"""An order after its checkout: processed, shipped at once or in parts, delivered; each path's history is kept."""

from typing import Any
from uuid import UUID

import pytest
from temporalio import workflow

from domain.errors import PaymentRefused
from domain.messages.fulfilment import Command, FulfilmentInput, FulfilmentResult
from domain.orders import CaptureAt, OrderStatus, PaymentMethod
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import RunWorker
from tests.workflows.desk import Desk, refusal_of
from tests.workflows.fulfilling import bought
from workflows.checkout import CheckoutWorkflow
from workflows.fulfilment import FulfilmentWorkflow


async def waits_for(desk: Desk, order_id: UUID) -> str | None:
    return (await desk.fulfilment(order_id).query(FulfilmentWorkflow.progress)).waiting_for


@pytest.mark.history
async def test_an_order_by_card_is_processed_shipped_and_delivered(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        assert await desk.say(order_id, Command.PROCESS) == "processing"
        assert await waits_for(desk, order_id) == "shipping"
        assert await desk.ship(order_id) == "shipped"
        assert await waits_for(desk, order_id) == "delivery"
        assert await desk.say(order_id, Command.DELIVER) == "delivered"
        assert (await desk.fulfilment(order_id).result()).status == "delivered"
    assert await shop.events(order_id) == ["placed", "confirmed", "processing", "shipped", "delivered"]
    assert await shop.stock("LAMP") == (7, 0)
    assert gateway.count("capture") == 1
    await shop.require_invariants()


@pytest.mark.history
async def test_cash_is_in_the_books_once_the_order_is_delivered(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk, method=PaymentMethod.COD)
        await desk.say(order_id, Command.PROCESS)
        await desk.ship(order_id)
        refusal = await refusal_of(desk.say(order_id, Command.DELIVER, cash=5))
        assert (refusal.type, refusal.details[0]["due"]["amount"]) == ("cash-mismatch", 3 * 1999)
        assert await shop.status(order_id) is OrderStatus.SHIPPED
        assert await desk.say(order_id, Command.DELIVER, cash=3 * 1999) == "delivered"
        await desk.fulfilment(order_id).result()
    payment = await shop.payment(order_id)
    assert (payment.provider, payment.status, payment.captured) == ("cod", "captured", 3 * 1999)
    assert gateway.calls == []
    await shop.require_invariants()


@pytest.mark.history
async def test_an_order_is_shipped_in_parts_and_as_a_whole_with_the_last_of_them(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk, {"LAMP": 3, "SHADE": 1})
        await desk.say(order_id, Command.PROCESS)
        assert await desk.ship(order_id, LAMP=2) == "processing"
        refusal = await refusal_of(desk.ship(order_id, LAMP=2, SHADE=1, NOPE=1))
        assert refusal.type == "over-shipment"
        assert refusal.details[0]["lines"] == [
            {"sku": "LAMP", "requested": 2, "left": 1},
            {"sku": "NOPE", "requested": 1, "left": 0},
        ]
        assert await desk.ship(order_id) == "shipped"
        await desk.say(order_id, Command.DELIVER)
        await desk.fulfilment(order_id).result()
    assert (await shop.events(order_id))[2:] == ["processing", "part_shipped", "shipped", "delivered"]
    sent = await shop.rows(
        "SELECT l.sku, l.quantity FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id "
        "ORDER BY s.shipped_at, l.sku"
    )
    assert sent == [("LAMP", 2), ("LAMP", 1), ("SHADE", 1)]
    await shop.require_invariants()


async def test_a_shipment_that_is_told_twice_is_one(shop: Shop, desk: Desk, run_worker: RunWorker) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        for _ in range(2):
            assert await desk.ship(order_id, key="the-same", LAMP=1) == "processing"
    assert await shop.rows("SELECT quantity FROM shipment_lines") == [(1,)]


@pytest.mark.history
async def test_the_money_is_taken_before_the_first_unit_leaves(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker(capture_at=CaptureAt.SHIPPING):
        order_id = await bought(shop, desk)
        assert (await shop.payment(order_id)).status == "authorized"
        await desk.say(order_id, Command.PROCESS)
        assert (await refusal_of(desk.ship(order_id, LAMP=4))).type == "over-shipment"
        assert gateway.count("capture") == 0, "nothing is taken for what cannot leave"
        assert await desk.ship(order_id, LAMP=1) == "processing"
        assert (await shop.payment(order_id)).captured == 3 * 1999
        assert await desk.ship(order_id) == "shipped"
        await desk.say(order_id, Command.DELIVER)
        await desk.fulfilment(order_id).result()
    assert gateway.count("capture") == 1
    await shop.require_invariants()


async def test_an_authorisation_that_is_gone_keeps_the_order_in_the_house_and_staff_cancel_it(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker(capture_at=CaptureAt.SHIPPING):
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        gateway.faults["capture"].append(PaymentRefused("the authorisation is gone"))
        assert (await refusal_of(desk.ship(order_id))).type == "payment-refused"
        assert await shop.status(order_id) is OrderStatus.PROCESSING
        assert await shop.rows("SELECT 1 FROM shipments") == []
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        await desk.fulfilment(order_id).result()
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def test_staff_may_take_the_money_before_anything_is_shipped_and_nothing_keeps_running(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker(capture_at=CaptureAt.SHIPPING):
        order_id = await bought(shop, desk)
        assert await desk.say(order_id, Command.CAPTURE) == "confirmed"
        assert (await desk.fulfilment(order_id).result()).status == "confirmed"
        assert (await refusal_of(desk.say(order_id, Command.CAPTURE))).type == "not-allowed-in-state"
        await desk.fulfilment(order_id).result()
        await desk.say(order_id, Command.PROCESS)
        assert await desk.ship(order_id) == "shipped"
    assert gateway.count("capture") == 1
    await shop.require_invariants()


@pytest.mark.history
async def test_a_command_that_the_state_forbids_is_refused_and_leaves_nothing_running(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        for command in (Command.DELIVER, Command.CAPTURE):
            refusal = await refusal_of(desk.say(order_id, command))
            assert (refusal.type, refusal.details[0]["order_status"]) == ("not-allowed-in-state", "confirmed")
            assert (await desk.fulfilment(order_id).result()).status == "confirmed"
        assert (await refusal_of(desk.ship(order_id))).type == "not-allowed-in-state"
    assert await shop.events(order_id) == ["placed", "confirmed"]
    await shop.require_invariants()


@workflow.defn(name="FulfilmentWorkflow")
class AlwaysLong(FulfilmentWorkflow):
    """Goes on with a new history after each command."""

    @workflow.init
    def __init__(self, fulfilment: FulfilmentInput) -> None:
        super().__init__(fulfilment)

    @workflow.run
    async def run(self, fulfilment: FulfilmentInput) -> FulfilmentResult:
        return await super().run(fulfilment)

    @property
    def is_long(self) -> bool:
        return True


async def test_a_long_history_is_followed_by_a_new_one_that_ships_nothing_twice(
    shop: Shop, desk: Desk, run_worker: RunWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.WORKFLOWS", [CheckoutWorkflow, AlwaysLong])
    async with run_worker(worker_sandbox=False):
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        for _ in range(2):
            assert await desk.ship(order_id, key="the-same", LAMP=1) == "processing"
        assert await waits_for(desk, order_id) == "shipping"
        assert await desk.ship(order_id) == "shipped"
        assert await desk.say(order_id, Command.DELIVER) == "delivered"
    sent = await shop.rows("SELECT quantity FROM shipment_lines ORDER BY quantity")
    assert sent == [(1,), (2,)]
    await shop.require_invariants()


async def test_an_order_that_is_none_or_its_checkouts_takes_no_command(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    await shop.product("LAMP")
    pending = await shop.held({"LAMP": 1})
    async with run_worker():
        assert (await refusal_of(desk.say(UUID(int=7), Command.PROCESS))).type == "not-found"
        assert (await refusal_of(desk.say(pending, Command.CANCEL))).type == "not-allowed-in-state"
    assert await shop.status(pending) is OrderStatus.PENDING_PAYMENT
    await shop.require_invariants()


@pytest.mark.parametrize(
    "more",
    [
        {"carrier": ""},
        {"carrier": "x" * 81},
        {"tracking_number": "9" * 10_000},
        {"carrier": "\x00"},
        {"note": "x" * 501},
    ]
    + [{"lines": {"LAMP": units}} for units in (0, -1, 10**9)]
    + [{"lines": {"": 1}}, {"by": ""}],
)
async def test_what_cannot_be_kept_is_refused_before_it_is_in_line(
    more: dict[str, Any], shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        told = {"carrier": "DHL", "tracking_number": "JJD0099"} | more
        assert (await refusal_of(desk.say(order_id, Command.SHIP, **told))).type == "not-allowed-in-state"
        assert await desk.ship(order_id) == "shipped", "and the next one is heard"
