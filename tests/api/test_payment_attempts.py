"""Another card after a failed 3-D Secure, while the hold lasts."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from domain.money import Money
from tests.activities.gateways import set_intent
from tests.api.conftest import Caller
from tests.api.shopping import COD, DECLINED, THREE_D_SECURE, add, cart_of, keyed, ordered, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("worker")

VISA = {"payment_token": "pm_card_visa"}


@pytest.fixture
async def order(customer: Caller, shop: Shop, temporal: Client, gateway: FakePayments) -> dict[str, Any]:
    """Two lamps, held, whose shopper the bank has turned away."""
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=False)
    await temporal.get_workflow_handle(order["workflow_id"]).signal(CheckoutWorkflow.payment_news)

    async def has_failed() -> bool:
        return bool((await customer.get(f"/orders/{order['id']}")).json()["status"] == "payment_failed")

    await until(has_failed)
    return order


async def pay(caller: Caller, order: dict[str, Any], token: str = VISA["payment_token"], key: str | None = None) -> Any:
    path = f"/orders/{order['id']}/payment-attempts"
    return await caller.post(path, json={"payment_token": token}, headers=keyed(key))


async def test_another_card_pays_the_same_order(
    customer: Caller, shop: Shop, order: dict[str, Any], gateway: FakePayments
) -> None:
    paid = await pay(customer, order)
    assert paid.status_code == 201, paid.text
    assert (paid.json()["id"], paid.json()["status"]) == (order["id"], "confirmed")
    assert await shop.stock("LAMP") == (3, 0)
    assert await cart_of(customer) == {}
    assert len(gateway.intents) == 1, "on the intent of the first card"
    timeline = (await customer.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert [event["kind"] for event in timeline] == ["placed", "payment_failed", "payment_reopened", "confirmed"]


async def test_a_card_that_is_declined_too_leaves_the_order_waiting_for_the_next(
    customer: Caller, shop: Shop, order: dict[str, Any]
) -> None:
    refused(await pay(customer, order, DECLINED), 402, "payment-declined")
    waiting = (await customer.get(f"/orders/{order['id']}")).json()
    assert waiting["status"] == "payment_failed"
    assert await shop.stock("LAMP") == (5, 2), "the hold lasts"
    assert (await pay(customer, order)).json()["status"] == "confirmed"
    await shop.require_invariants()


async def test_a_token_that_nobody_knows_is_refused_as_such(customer: Caller, order: dict[str, Any]) -> None:
    refused(await pay(customer, order, "pm_nobody"), 402, "payment-token-unknown")


async def test_another_3d_secure_tells_where_the_bank_wants_the_shopper(
    customer: Caller, order: dict[str, Any]
) -> None:
    again = (await pay(customer, order, THREE_D_SECURE)).json()
    assert (again["status"], again["next_action"]["type"]) == ("pending_payment", "redirect")


async def test_the_same_key_tries_a_card_once_however_often_it_is_sent(
    customer: Caller, order: dict[str, Any], gateway: FakePayments
) -> None:
    key = uuid4().hex
    before = gateway.count("confirm")
    answers = await asyncio.gather(*(pay(customer, order, key=key) for _ in range(8)))
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(201, "confirmed")}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert gateway.count("confirm") == before + 1


async def test_of_two_different_cards_at_once_one_pays_once_and_both_are_told(
    customer: Caller, order: dict[str, Any], gateway: FakePayments, shop: Shop, temporal: Client
) -> None:
    good, bad = await asyncio.gather(pay(customer, order), pay(customer, order, DECLINED))
    assert good.status_code in (201, 402, 409)
    assert bad.status_code in (201, 402, 409)
    if (await customer.get(f"/orders/{order['id']}")).json()["status"] == "payment_failed":
        assert (await pay(customer, order)).status_code == 201
    await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert (await customer.get(f"/orders/{order['id']}")).json()["payment_status"] == "captured"
    assert (len(gateway.intents), gateway.count("capture")) == (1, 1)
    assert await shop.stock("LAMP") == (3, 0)
    await shop.require_invariants()


async def test_a_card_that_comes_after_the_hold_s_end_is_refused_and_not_asked_about(
    customer: Caller, shop: Shop, order: dict[str, Any], temporal: Client, gateway: FakePayments
) -> None:
    """The end of a hold ends the checkout as a cancellation does; the stock is somebody else's by now."""
    checkout = temporal.get_workflow_handle(order["workflow_id"])
    await checkout.signal("cancel_order")
    assert (await checkout.result())["status"] == "cancelled"
    assert await shop.stock("LAMP") == (5, 0)
    before = list(gateway.calls)
    answers = await asyncio.gather(*(pay(customer, order) for _ in range(3)))
    for answer in answers:
        refused(answer, 409, "not-allowed-in-state")
    assert gateway.calls == before


async def test_another_amount_on_the_intent_is_not_paid_with_another_card(
    customer: Caller, shop: Shop, order: dict[str, Any], gateway: FakePayments, temporal: Client
) -> None:
    set_intent(gateway, UUID(order["id"]), amount=Money(1, "USD"))
    refused(await pay(customer, order), 402, "payment-refused")
    assert (await temporal.get_workflow_handle(order["workflow_id"]).result())["status"] == "cancelled"
    assert gateway.count("capture") == 0
    assert await shop.stock("LAMP") == (5, 0)


async def test_the_same_key_tells_the_same_once_the_checkout_is_over(
    customer: Caller, order: dict[str, Any], temporal: Client
) -> None:
    key = uuid4().hex
    await pay(customer, order, key=key)
    await temporal.get_workflow_handle(order["workflow_id"]).result()
    again = await pay(customer, order, key=key)
    assert (again.status_code, again.json()["status"]) == (201, "confirmed")
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_the_same_key_with_another_card_is_refused(customer: Caller, order: dict[str, Any]) -> None:
    key = uuid4().hex
    refused(await pay(customer, order, DECLINED, key), 402, "payment-declined")
    refused(await pay(customer, order, key=key), 422, "idempotency-key-reused")


async def test_an_order_that_waits_for_no_card_takes_none(customer: Caller, shop: Shop, order: dict[str, Any]) -> None:
    await pay(customer, order)
    refused(await pay(customer, order), 409, "not-allowed-in-state")
    await add(customer, "LAMP")
    pending = await ordered(customer, payment_token=THREE_D_SECURE)
    refused(await pay(customer, pending), 409, "not-allowed-in-state")


async def test_a_cancelled_order_takes_no_card(
    customer: Caller, order: dict[str, Any], temporal: Client, gateway: FakePayments
) -> None:
    checkout = temporal.get_workflow_handle(order["workflow_id"])
    await checkout.signal("cancel_order")
    await checkout.result()
    before = gateway.count("confirm")
    refused(await pay(customer, order), 409, "not-allowed-in-state")
    assert gateway.count("confirm") == before


async def test_only_the_owner_of_a_card_order_pays_it(
    customer: Caller, stranger: Caller, staff: Caller, order: dict[str, Any]
) -> None:
    for caller in (stranger, staff):
        refused(await pay(caller, order), 404, "not-found")
    refused(await pay(customer, {"id": uuid4()}), 404, "not-found")
    await customer.delete("/carts/current")  # the order holds the one it was made from
    await add(customer, "LAMP")
    refused(await pay(customer, await ordered(customer, COD)), 404, "not-found")


@pytest.mark.parametrize("body", [{}, {"payment_token": "4242424242424242"}, VISA | {"amount": 1}, []])
async def test_a_body_that_is_no_card_is_refused(customer: Caller, order: dict[str, Any], body: Any) -> None:
    answer = await customer.post(f"/orders/{order['id']}/payment-attempts", json=body, headers=keyed())
    refused(answer, 422, "validation-failed")
