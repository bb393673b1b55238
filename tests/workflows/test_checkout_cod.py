"""The checkout by cash on delivery: confirmed, rejected, expired; early, late and malformed signals."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from domain.messages.checkout import CodDecision, ReceiptInput
from domain.orders import OrderStatus, PaymentMethod
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, StartCheckout
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("worker")


async def begin(shop: Shop, start: StartCheckout, **options: Any) -> tuple[Any, Checkout]:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2}, method=PaymentMethod.COD)
    return order_id, await start(order_id, **options)


async def receipt(checkout: Checkout) -> str:
    return (await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())).status


@pytest.mark.history
async def test_a_cod_order_waits_for_staff_and_is_confirmed_by_the_signal(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    order_id, checkout = await begin(shop, start)
    assert await receipt(checkout) == "pending_confirmation"
    assert await shop.stock("LAMP") == (5, 2)
    assert (await shop.claim(order_id)).claim == "taken"
    progress = await checkout.query(CheckoutWorkflow.progress)
    assert (progress.status, progress.waiting_for) == ("pending_confirmation", "staff")
    await checkout.signal("confirm_cod")
    assert (await checkout.result()).status == "confirmed"
    assert await shop.stock("LAMP") == (3, 0)
    assert gateway.calls == []
    await shop.require_invariants()


async def test_who_confirmed_and_why_stands_in_the_timeline(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await begin(shop, start)
    await receipt(checkout)
    await checkout.signal("confirm_cod", {"by": "ops-desk", "note": "called back"})
    await checkout.result()
    async with shop.database.transaction() as session:
        from models.orders import OrderEvent

        event = await session.get_one(OrderEvent, (order_id, 2))
    assert (event.kind, event.actor, event.note) == ("confirmed", "ops-desk", "called back")


@pytest.mark.history
async def test_an_early_confirmation_is_kept(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await begin(shop, start, signal="confirm_cod")
    assert (await checkout.result()).status == "confirmed"
    assert await shop.status(order_id) is OrderStatus.CONFIRMED


@pytest.mark.history
async def test_a_rejected_cod_order_gives_the_stock_back(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await begin(shop, start)
    await receipt(checkout)
    await checkout.signal("reject_cod", {"by": "ops-desk"})
    result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "cod-rejected")
    assert await shop.stock("LAMP") == (5, 0)
    assert (await shop.claim(order_id)).outcome == "accepted", "the shopper was told of an order"
    await shop.require_invariants()


@pytest.mark.history
async def test_nobody_decides_and_the_hold_ends_after_two_reminders(shop: Shop, start: StartCheckout) -> None:
    order_id, checkout = await begin(shop, start)
    result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "hold-expired")
    assert await shop.events(order_id) == ["placed", "reminder_1", "reminder_2", "cancelled"]
    assert await shop.reservations(order_id) == {"expired"}
    await shop.require_invariants()


async def test_the_hold_of_a_cod_order_lasts_72_hours(shop: Shop, start: StartCheckout, time_skipping: Any) -> None:
    order_id, checkout = await begin(shop, start)
    await receipt(checkout)
    await time_skipping.sleep(timedelta(hours=71))
    assert await shop.status(order_id) is OrderStatus.PENDING_CONFIRMATION
    await checkout.signal("confirm_cod")
    assert (await checkout.result()).status == "confirmed"


async def test_the_first_decision_counts(shop: Shop, start: StartCheckout) -> None:
    _, checkout = await begin(shop, start)
    await receipt(checkout)
    await asyncio.gather(checkout.signal("reject_cod"), checkout.signal("reject_cod"))
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):
        await checkout.execute_update(CheckoutWorkflow.decide_cod, CodDecision(confirm=True, by="staff"))
    assert (await checkout.result()).status == "cancelled"


@pytest.mark.parametrize(
    "argument",
    ["garbage", [1, 2], 7, {"who": "me"}, {"by": ""}, {"by": 5}, {"by": "x" * 65}, {"note": "x" * 501}, {"note": 1}],
)
async def test_a_malformed_signal_changes_nothing_and_wedges_nothing(
    shop: Shop, start: StartCheckout, argument: Any
) -> None:
    order_id, checkout = await begin(shop, start)
    await receipt(checkout)
    await checkout.signal("confirm_cod", argument)
    await checkout.signal("reject_cod", argument)
    await checkout.signal("cancel_order", argument)
    await checkout.signal("cancel_order", args=[{"by": "a"}, {"by": "b"}])
    await checkout.signal("no_such_signal", argument)
    assert await shop.status(order_id) is OrderStatus.PENDING_CONFIRMATION
    await checkout.signal("confirm_cod", None)
    assert (await checkout.result()).status == "confirmed"


@pytest.mark.history
async def test_a_decision_over_http_hears_what_it_led_to(shop: Shop, start: StartCheckout) -> None:
    _, checkout = await begin(shop, start)
    await receipt(checkout)
    answer = await checkout.execute_update(CheckoutWorkflow.decide_cod, CodDecision(confirm=False, by="staff"))
    assert answer.status == "cancelled"
    assert await shop.stock("LAMP") == (5, 0), "cancelled is written last: stock is back by then"
    assert (await checkout.result()).cancel_reason == "cod-rejected"


async def test_a_card_order_takes_no_cod_decision(shop: Shop, start: StartCheckout) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    checkout = await start(order_id)
    await receipt(checkout)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await checkout.execute_update(CheckoutWorkflow.decide_cod, CodDecision(confirm=True, by="staff"))
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "not-allowed-in-state"
    await checkout.signal("confirm_cod")
    assert await shop.status(order_id) is OrderStatus.PENDING_PAYMENT
    await checkout.signal("cancel_order")
    assert (await checkout.result()).status == "cancelled"
