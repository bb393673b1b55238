"""The checkout by card: paid, declined, out of stock."""

import pytest

from domain.messages.checkout import CheckoutResult, ReceiptInput
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.conftest import StartCheckout
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("worker")


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
