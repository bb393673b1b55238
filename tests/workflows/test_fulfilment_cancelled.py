"""An order cancelled after its checkout: money and stock are back, each from where they were, and `cancelled` last."""

import pytest
from temporalio.client import Client

from domain.errors import PaymentRefused
from domain.messages.fulfilment import Command
from domain.money import Money
from domain.orders import CaptureAt, OrderStatus, PaymentMethod, return_workflow_id
from gateways.payments import IntentStatus
from models.payments import RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import RunWorker
from tests.workflows.desk import Desk, refusal_of
from tests.workflows.fulfilling import bought
from tests.workflows.test_checkout_undone import wait_until
from workflows.fulfilment import FulfilmentWorkflow


@pytest.mark.history
@pytest.mark.parametrize("state", ["confirmed", "processing"])
@pytest.mark.parametrize("method", list(PaymentMethod))
async def test_an_order_that_is_in_the_house_gives_back_all_there_is(
    state: str, method: PaymentMethod, shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk, method=method)
        if state == "processing":
            await desk.say(order_id, Command.PROCESS)
        assert await desk.say(order_id, Command.CANCEL, by="owner", is_owner=True) == "cancelled"
        assert (await desk.fulfilment(order_id).result()).status == "cancelled"
    order = await shop.order(order_id)
    assert (order.status, order.cancel_reason, order.reservation_status) == ("cancelled", "order-cancelled", "released")
    assert await shop.stock("LAMP") == (10, 0)
    if method is PaymentMethod.CARD:
        payment = await shop.payment(order_id)
        assert (payment.status, payment.captured, payment.refunded) == ("refunded", 3 * 1999, 3 * 1999)
    await shop.require_invariants()


@pytest.mark.history
async def test_what_was_shipped_stays_sold_and_comes_back_by_a_return(
    shop: Shop, desk: Desk, run_worker: RunWorker, skipping_client: Client
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk, {"LAMP": 3, "SHADE": 2})
        await desk.say(order_id, Command.PROCESS)
        await desk.ship(order_id, LAMP=2)
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        await desk.fulfilment(order_id).result()
        returns = await shop.rows("SELECT id, cause, status FROM returns WHERE order_id = :id", id=order_id)
        assert [row[1:] for row in returns] == [("undelivered", "approved")]
        handle = skipping_client.get_workflow_handle(return_workflow_id(returns[0][0]))
        assert (await handle.describe()).workflow_type == "ReturnWorkflow"
    assert (await shop.payment(order_id)).refunded == 5 * 1999
    assert await shop.stock("LAMP") == (8, 0), "one of three was in the house"
    assert await shop.stock("SHADE") == (10, 0)
    assert (await shop.order(order_id)).reservation_status == "committed"
    await shop.require_invariants()


@pytest.mark.history
async def test_staff_cancel_an_order_that_is_on_its_way_and_its_owner_does_not(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        await desk.ship(order_id)
        refusal = await refusal_of(desk.say(order_id, Command.CANCEL, is_owner=True))
        assert (refusal.type, refusal.details[0]["order_status"]) == ("not-allowed-in-state", "shipped")
        assert await desk.say(order_id, Command.CANCEL, note="lost by the carrier") == "cancelled"
        await desk.fulfilment(order_id).result()
    assert (await shop.events(order_id))[-2:] == ["return_opened", "cancelled"]
    assert (await shop.payment(order_id)).refunded == 3 * 1999
    assert await shop.stock("LAMP") == (7, 0), "all of it is on its way"
    await shop.require_invariants()


async def test_an_order_that_was_delivered_is_not_cancelled(shop: Shop, desk: Desk, run_worker: RunWorker) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        await desk.ship(order_id)
        await desk.say(order_id, Command.DELIVER)
        await desk.fulfilment(order_id).result()
        assert (await refusal_of(desk.say(order_id, Command.CANCEL))).type == "not-allowed-in-state"
    assert (await shop.payment(order_id)).refunded == 0
    await shop.require_invariants()


@pytest.mark.history
async def test_money_that_was_only_set_aside_is_let_go(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker(capture_at=CaptureAt.SHIPPING):
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        await desk.fulfilment(order_id).result()
    assert [intent.status for intent in gateway.intents.values()] == [IntentStatus.VOIDED]
    assert (await shop.payment(order_id)).status == "voided"
    assert gateway.count("refund") == 0
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


@pytest.mark.history
async def test_a_refused_refund_parks_the_cancellation_until_staff_try_again(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        gateway.faults["refund"].append(PaymentRefused("not this one", reason="charge_disputed"))
        fulfilment = await desk.begin(order_id, "cancel_order", {"by": "ops-desk"})

        async def is_stuck() -> bool:
            progress = await fulfilment.query(FulfilmentWorkflow.progress)
            return (progress.stuck_step, progress.waiting_for) == ("refund_payment", "retry_stuck")

        await wait_until(is_stuck)
        assert await shop.status(order_id) is OrderStatus.CONFIRMED, "cancelled is written last"
        assert await shop.stock("LAMP") == (7, 0), "and the stock after the money"
        await fulfilment.signal("retry_stuck")
        assert (await fulfilment.result()).status == "cancelled"
    assert await shop.rows("SELECT status FROM refunds ORDER BY status") == [("failed",), ("succeeded",)]
    assert (await shop.payment(order_id)).refunded == 3 * 1999
    await shop.require_invariants()


async def test_a_refund_that_is_under_way_is_waited_for_and_its_money_given_back_when_it_fails(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        async with shop.database.transaction() as session:
            payment = await payments.locked(session, order_id)
            partial = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "staff", amount=1999))
        fulfilment = await desk.begin(order_id, "cancel_order")

        async def gave_the_rest_back() -> bool:
            return (await shop.payment(order_id)).refunded == 2 * 1999

        await wait_until(gave_the_rest_back)
        assert await shop.status(order_id) is OrderStatus.CONFIRMED
        async with shop.database.transaction() as session:
            await refunds.record_failure(session, partial.id, "declined")
        assert (await fulfilment.result()).status == "cancelled"
    assert (await shop.payment(order_id)).refunded == 3 * 1999
    await shop.require_invariants()


async def test_a_part_that_went_back_before_is_not_given_twice(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        async with shop.database.transaction() as session:
            payment = await payments.locked(session, order_id)
            partial = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "staff", amount=1999))
        intent = gateway.intents[f"pi_{order_id.hex}"]
        await gateway.refund(intent.ref, order_id, partial.id, Money(1999, "USD"), 1)
        async with shop.database.transaction() as session:
            await refunds.record_success(session, partial.id, "re_before")
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        await desk.fulfilment(order_id).result()
    assert gateway.intents[intent.ref].refunded.amount == 3 * 1999
    await shop.require_invariants()


async def test_an_order_that_cost_nothing_is_cancelled_without_asking_anybody_for_money(
    shop: Shop, desk: Desk, run_worker: RunWorker, gateway: FakePayments
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk, price=0)
        await desk.say(order_id, Command.PROCESS)
        await desk.ship(order_id, LAMP=1)
        assert await desk.say(order_id, Command.CANCEL) == "cancelled"
        await desk.fulfilment(order_id).result()
    assert gateway.calls == []
    assert await shop.stock("LAMP") == (9, 0)
    await shop.require_invariants()


async def test_a_cancellation_by_signal_says_who_and_a_malformed_one_changes_nothing(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        fulfilment = desk.fulfilment(order_id)
        for argument in ("garbage", [1, 2], {"who": "me"}, {"by": ""}):
            await fulfilment.signal("cancel_order", argument)
        await fulfilment.signal("no_such_signal", 1)
        assert (await fulfilment.query(FulfilmentWorkflow.progress)).waiting_for == "shipping"
        await fulfilment.signal("cancel_order", {"by": "ops-desk", "note": "the customer called"})
        assert (await fulfilment.result()).status == "cancelled"
    actor = await shop.rows("SELECT actor, note FROM order_events WHERE to_status = 'cancelled'")
    assert actor == [("ops-desk", "the customer called")]
    await shop.require_invariants()


async def test_the_workflow_cancelled_from_outside_is_the_order_cancelled(
    shop: Shop, desk: Desk, run_worker: RunWorker
) -> None:
    async with run_worker():
        order_id = await bought(shop, desk)
        await desk.say(order_id, Command.PROCESS)
        await desk.fulfilment(order_id).cancel()
        assert (await desk.fulfilment(order_id).result()).status == "cancelled"
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()
