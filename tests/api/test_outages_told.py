"""Outages that come in the middle of something: told as 503 like any other, and gone on from afterwards."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from temporalio.client import Client

from api.dependencies import Resources
from gateways.stripe_payments import StripePayments
from tests.api.conftest import Caller, Wires
from tests.api.shopping import THREE_D_SECURE, add, keyed, ordered, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from workflows.checkout import CheckoutWorkflow


async def test_another_card_is_not_lost_when_temporal_is_away(
    customer: Caller, shop: Shop, gateway: FakePayments, temporal: Client, wires: Wires, worker: object
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=False)
    await temporal.get_workflow_handle(order["workflow_id"]).signal(CheckoutWorkflow.payment_news)

    async def has_failed() -> bool:
        return bool((await customer.get(f"/orders/{order['id']}")).json()["status"] == "payment_failed")

    await until(has_failed)
    path, visa, headers = f"/orders/{order['id']}/payment-attempts", {"payment_token": "pm_card_visa"}, keyed()
    wires.temporal.cut()
    refused(await customer.post(path, json=visa, headers=headers), 503, "unavailable")
    await wires.temporal.mend()
    paid = await customer.post(path, json=visa, headers=headers)
    assert (paid.status_code, paid.json()["status"]) == (201, "confirmed")


async def test_another_card_for_a_checkout_that_ended_meanwhile_is_not_allowed(customer: Caller, shop: Shop) -> None:
    """As the order was read it waited for a card; by the time of the message its checkout is over."""
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1}, user_id=customer.user_id)
    await shop.rows("UPDATE orders SET status = 'payment_failed' WHERE id = :id", id=order_id)
    path = f"/orders/{order_id}/payment-attempts"
    answer = await customer.post(path, json={"payment_token": "pm_card_visa"}, headers=keyed(uuid4().hex))
    refused(answer, 409, "not-allowed-in-state")


async def test_the_invariants_say_when_temporal_does_not_answer(staff: Caller, wires: Wires) -> None:
    wires.temporal.cut()
    refused(await staff.get("/ops/invariants"), 503, "unavailable")


@pytest.fixture
async def without_provider(app: FastAPI, resources: Resources) -> AsyncIterator[None]:
    """Nobody listens where the payment provider should be."""
    gateway = StripePayments("sk_test", base="http://127.0.0.1:9", webhook_secrets=["whsec_test"])
    app.state.resources = replace(resources, gateway=gateway)
    yield
    await gateway.close()


@pytest.mark.usefixtures("without_provider")
async def test_the_invariants_say_when_the_payment_provider_does_not_answer(staff: Caller) -> None:
    refused(await staff.get("/ops/invariants"), 503, "unavailable")
