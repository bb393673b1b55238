"""The checkout by card: paid, declined, out of stock, 3-D Secure, another card."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.messages.checkout import CheckoutResult, ReceiptInput
from domain.orders import OrderStatus
from gateways.payments import IntentStatus
from services import payments
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import Checkout, StartCheckout
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("worker")


async def refusal_of(checkout: Checkout, attempt: int = 1) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput(attempt))
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause


@pytest.mark.history
async def test_a_card_order_is_authorised_confirmed_and_captured_once(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2})
    checkout = await start(order_id)
    receipt = await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    assert receipt.status == "confirmed"
    assert await checkout.result() == CheckoutResult(str(order_id), "confirmed")
    assert await shop.stock("LAMP") == (3, 0)
    assert (await shop.payment(order_id)).captured == 2 * 1999
    assert [operation for operation, _ in gateway.calls] == ["create", "confirm", "capture"]
    assert await shop.events(order_id) == ["placed", "confirmed"]
    await shop.require_invariants()


@pytest.mark.history
async def test_a_declined_card_gives_the_stock_back_and_frees_the_cart(shop: Shop, start: StartCheckout) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.request({"LAMP": 2}, token="pm_card_chargeDeclined")
    checkout = await start(order_id)
    refusal = await refusal_of(checkout)
    assert (refusal.type, refusal.details[0]) == ("payment-declined", {"decline_code": "generic_decline"})
    result = await checkout.result()
    assert (result.status, result.cancel_reason) == ("cancelled", "payment-declined")
    assert await shop.stock("LAMP") == (5, 0)
    assert (await shop.claim(order_id)).claim == "freed"
    assert (await shop.order(order_id)).cancel_reason == "payment-declined"
    await shop.require_invariants()


async def test_a_token_that_the_provider_does_not_know_is_refused_as_such(shop: Shop, start: StartCheckout) -> None:
    await shop.product("LAMP")
    checkout = await start(await shop.request({"LAMP": 1}, token="pm_nobody"))
    assert (await refusal_of(checkout)).type == "payment-token-unknown"
    assert (await checkout.result()).status == "cancelled"
    assert await shop.stock("LAMP") == (10, 0)


@pytest.mark.history
async def test_an_order_that_is_out_of_stock_reserves_nothing_and_asks_for_no_money(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    await shop.product("RARE", stock=1)
    order_id = await shop.request({"LAMP": 2, "RARE": 2})
    checkout = await start(order_id)
    refusal = await refusal_of(checkout)
    assert refusal.type == "out-of-stock"
    assert refusal.details[0] == {"lines": [{"sku": "RARE", "requested": 2, "available": 1}]}
    await checkout.result()
    assert gateway.calls == []
    assert (await shop.stock("LAMP"), await shop.stock("RARE")) == ((5, 0), (1, 0))
    await shop.require_invariants()


@pytest.mark.history
async def test_an_outage_at_the_provider_is_waited_for(shop: Shop, start: StartCheckout, gateway: FakePayments) -> None:
    await shop.product("LAMP")
    gateway.fail("create", 2)
    gateway.fail("confirm", 1)
    gateway.fail("capture", 3)
    order_id = await shop.request({"LAMP": 1})
    checkout = await start(order_id)
    assert (await checkout.result()).status == "confirmed"
    assert (await shop.payment(order_id)).status == "captured"
    await shop.require_invariants()


async def test_a_reply_that_is_lost_after_the_charge_charges_once(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    for operation in ("create", "confirm", "capture"):
        gateway.late_faults[operation].append(ConnectionError("the reply is lost"))
    order_id = await shop.request({"LAMP": 1})
    checkout = await start(order_id)
    assert (await checkout.result()).status == "confirmed"
    assert gateway.count("confirm") == 1, "what happened is asked about before it is repeated"
    assert [intent.status for intent in gateway.intents.values()] == [IntentStatus.CAPTURED]
    await shop.require_invariants()


@pytest.mark.history
async def test_3d_secure_waits_for_the_shopper_and_goes_on_at_the_news(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    checkout = await start(order_id)
    receipt = await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    assert receipt.status == "pending_payment"
    payment = await shop.payment(order_id)
    assert payment.redirect_url is not None
    assert payment.provider_ref is not None
    assert (await shop.claim(order_id)).outcome == "accepted"
    gateway.finish_3ds(payment.provider_ref, paid=True)
    await checkout.signal(CheckoutWorkflow.payment_news)
    assert (await checkout.result()).status == "confirmed"
    assert (await shop.payment(order_id)).redirect_url is None
    await shop.require_invariants()


async def test_3d_secure_is_settled_without_any_webhook(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    checkout = await start(order_id)
    await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    gateway.finish_3ds(f"pi_{order_id.hex}", paid=True)
    assert (await checkout.result()).status == "confirmed"


@pytest.mark.history
async def test_3d_secure_that_never_comes_ends_with_the_hold(shop: Shop, start: StartCheckout) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    result = await (await start(order_id)).result()
    assert (result.status, result.cancel_reason) == ("cancelled", "hold-expired")
    assert (await shop.payment(order_id)).status == "voided"
    assert await shop.reservations(order_id) == {"expired"}
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def refused_by_the_bank(shop: Shop, start: StartCheckout, gateway: FakePayments) -> tuple[UUID, Checkout]:
    """An order that waits for another card after its 3-D Secure failed."""
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, token="pm_card_authenticationRequired")
    checkout = await start(order_id)
    await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput())
    gateway.finish_3ds(f"pi_{order_id.hex}", paid=False)
    await checkout.signal(CheckoutWorkflow.payment_news)
    while await shop.status(order_id) is not OrderStatus.PAYMENT_FAILED:
        pass
    return order_id, checkout


@pytest.mark.history
async def test_another_card_pays_after_a_failed_3d_secure(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    order_id, checkout = await refused_by_the_bank(shop, start, gateway)
    second = await another_card(shop, order_id, "pm_card_chargeDeclined")
    assert (await refusal_of(checkout, second)).type == "payment-declined"
    assert await shop.status(order_id) is OrderStatus.PAYMENT_FAILED, "it waits for yet another card"
    third = await another_card(shop, order_id, "pm_card_visa")
    receipt = await checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput(third))
    assert (second, third, receipt.status) == (2, 3, "confirmed")
    assert (await checkout.result()).status == "confirmed"
    assert len(gateway.intents) == 1, "all cards were tried on one intent"
    await shop.require_invariants()


async def test_of_two_cards_that_are_offered_at_once_the_good_one_pays(
    shop: Shop, start: StartCheckout, gateway: FakePayments
) -> None:
    order_id, checkout = await refused_by_the_bank(shop, start, gateway)
    bad = await another_card(shop, order_id, "pm_card_chargeDeclined")
    good = await another_card(shop, order_id, "pm_card_visa")
    _, receipt = await asyncio.gather(
        checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput(bad)),
        checkout.execute_update(CheckoutWorkflow.receipt, ReceiptInput(good)),
        return_exceptions=True,
    )
    assert not isinstance(receipt, BaseException)
    assert receipt.status == "confirmed"
    assert (await checkout.result()).status == "confirmed"
    await shop.require_invariants()


async def another_card(shop: Shop, order_id: UUID, token: str) -> int:
    async with shop.database.transaction() as session:
        number, _ = await payments.record_attempt(
            session,
            order_id,
            key=f"key-of-{token}-0123",
            fingerprint=token,
            token=token,
        )
    return number
