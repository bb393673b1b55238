"""The payment provider's webhooks: signed, kept once, then passed on, and only then answered."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from api.dependencies import Resources
from core.settings import DEFAULT_WEBHOOK_SECRET
from gateways.stripe_payments import StripePayments
from tests.api.conftest import Caller, Wires
from tests.api.shopping import THREE_D_SECURE, add, ordered, refused
from tests.builders import Shop
from tests.fakes.payments import FakePayments

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
async def stripe(app: FastAPI, resources: Resources) -> AsyncIterator[None]:
    """The API verifies signatures as it does in earnest. The provider itself is not there, nor asked."""
    gateway = StripePayments("sk_test", base=NOWHERE, webhook_secrets=["whsec_of_last_year", DEFAULT_WEBHOOK_SECRET])
    app.state.resources = replace(resources, gateway=gateway)
    yield
    await gateway.close()


def event(order_id: object = None, event_id: str | None = None) -> bytes:
    metadata = {} if order_id is None else {"order_id": str(order_id)}
    intent = {"id": "pi_1", "object": "payment_intent", "metadata": metadata}
    return json.dumps(
        {
            "id": event_id or f"evt_{uuid4().hex}",
            "object": "event",
            "type": "payment_intent.amount_capturable_updated",
            "data": {"object": intent},
        }
    ).encode()


def signature(payload: bytes, secret: str = DEFAULT_WEBHOOK_SECRET, age: int = 0) -> str:
    at = int(time.time()) - age
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + payload, sha256).hex()
    return f"t={at},v1={digest}"


async def deliver(caller: Caller, payload: bytes, signed: str | None = None) -> httpx.Response:
    headers = {"Stripe-Signature": signature(payload) if signed is None else signed}
    return await caller.post("/webhooks/payments/stripe", content=payload, headers=headers)


async def inbox(shop: Shop) -> list[tuple[Any, ...]]:
    return await shop.rows("SELECT event_id, order_id, delivered_at IS NOT NULL FROM webhook_inbox")


PAYLOAD = event()
FORGERIES = {
    "missing": "",
    "no signature": "hello",
    "another secret's": signature(PAYLOAD, "whsec_guessed"),
    "another body's": signature(event()),
    "six minutes old": signature(PAYLOAD, age=360),
    "without its time": signature(PAYLOAD).split(",")[1],
    "with another time": signature(PAYLOAD).replace("t=", "t=1"),
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_webhook_whose_signature_does_not_hold_is_refused_and_not_kept(
    anonymous: Caller, shop: Shop, forged: str
) -> None:
    refused(await deliver(anonymous, PAYLOAD, forged), 400, "webhook-refused")
    assert await inbox(shop) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"not json"])
async def test_a_signed_body_that_is_no_event_is_refused(anonymous: Caller, shop: Shop, body: bytes) -> None:
    refused(await deliver(anonymous, body), 400, "webhook-refused")
    assert await inbox(shop) == []


async def test_a_webhook_of_a_provider_that_we_do_not_have_is_not_found(anonymous: Caller) -> None:
    headers = {"Stripe-Signature": signature(PAYLOAD)}
    answer = await anonymous.post("/webhooks/payments/other", content=PAYLOAD, headers=headers)
    refused(answer, 404, "not-found")


async def test_a_good_webhook_is_kept_once_however_often_it_is_delivered(anonymous: Caller, shop: Shop) -> None:
    payload = event(event_id="evt_1")
    for _ in range(3):
        answer = await deliver(anonymous, payload)
        assert (answer.status_code, answer.content) == (204, b"")
    answers = await asyncio.gather(*(deliver(anonymous, payload) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {204}
    assert await inbox(shop) == [("evt_1", None, True)]


async def test_a_webhook_about_an_order_that_we_do_not_know_is_kept(anonymous: Caller, shop: Shop) -> None:
    order_id = uuid4()
    assert (await deliver(anonymous, event(order_id, "evt_1"))).status_code == 204
    assert await inbox(shop) == [("evt_1", order_id, True)]


@pytest.mark.parametrize("order_id", ["not-a-uuid", "", 7, None])
async def test_a_webhook_about_something_else_is_kept_for_no_order(
    anonymous: Caller, shop: Shop, order_id: object
) -> None:
    assert (await deliver(anonymous, event(order_id, "evt_1"))).status_code == 204
    assert await inbox(shop) == [("evt_1", None, True)]


@pytest.fixture
async def order(customer: Caller, shop: Shop, worker: object) -> dict[str, Any]:
    """One that waits for the bank."""
    await shop.product("LAMP")
    await add(customer, "LAMP")
    return await ordered(customer, payment_token=THREE_D_SECURE)


async def news_heard(temporal: Client, order: dict[str, Any]) -> int:
    history = await temporal.get_workflow_handle(order["workflow_id"]).fetch_history()
    return sum(found.HasField("workflow_execution_signaled_event_attributes") for found in history.events)


async def test_the_news_that_the_bank_said_yes_confirms_the_order_and_is_applied_once(
    anonymous: Caller, customer: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any]
) -> None:
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=True)
    payload = event(order["id"])
    assert (await deliver(anonymous, payload)).status_code == 204
    await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert (await customer.get(f"/orders/{order['id']}")).json()["status"] == "confirmed"
    for _ in range(2):
        assert (await deliver(anonymous, payload)).status_code == 204
    assert await news_heard(temporal, order) == 1
    assert gateway.count("capture") == 1


async def test_a_webhook_is_only_a_hint_and_never_believed(
    anonymous: Caller, customer: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any]
) -> None:
    before, payload = gateway.count("retrieve"), event(order["id"])
    for _ in range(3):
        assert (await deliver(anonymous, payload)).status_code == 204
    async with asyncio.timeout(10):
        while gateway.count("retrieve") == before:  # noqa: ASYNC110 — the workflow asks the provider by itself
            await asyncio.sleep(0.02)
    assert (await customer.get(f"/orders/{order['id']}")).json()["status"] == "pending_payment"
    assert await news_heard(temporal, order) == 1, "a redelivery is passed on no more"


async def test_a_webhook_that_cannot_be_passed_on_is_kept_and_not_acknowledged_until_it_can(
    anonymous: Caller, order: dict[str, Any], wires: Wires, temporal: Client, shop: Shop, gateway: FakePayments
) -> None:
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=True)
    payload = event(order["id"], "evt_1")
    wires.temporal.cut()
    refused(await deliver(anonymous, payload), 503, "unavailable")
    assert await inbox(shop) == [("evt_1", UUID(order["id"]), False)]
    await wires.temporal.mend()
    assert (await deliver(anonymous, payload)).status_code == 204
    assert await inbox(shop) == [("evt_1", UUID(order["id"]), True)]
    result = await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert result["status"] == "confirmed"
