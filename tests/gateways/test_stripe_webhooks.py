"""Webhooks as the sandbox signs and sends them, and as the adapter believes them or not."""

import json
import time
from uuid import uuid4

import pytest

from devstack.sandbox.courier import signature
from domain.errors import WebhookRefused
from domain.money import Money
from gateways.stripe_payments import WEBHOOK_TOLERANCE, StripePayments
from tests.sandbox import SandboxServer, WebhookInbox

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
}
PAYLOAD = json.dumps(EVENT).encode()


async def test_what_the_sandbox_sends_is_believed_and_names_its_order(
    payments: StripePayments, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    order_id = uuid4()
    intent = await payments.create(order_id, Money(1999, "USD"))
    await payments.confirm(intent.ref, order_id, 1, "pm_card_visa", "http://shop.test/back")
    await payments.capture(intent.ref, order_id)
    inbox.wait_until(lambda: sum(intent.ref.encode() in body for body, _ in inbox.received) == 4)
    events = [payments.verify_webhook(*mail) for mail in inbox.received if intent.ref.encode() in mail[0]]
    assert [event.type for event in events] == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert {(event.intent_ref, event.order_id) for event in events} == {(intent.ref, order_id)}
    assert len({event.event_id for event in events}) == 4


def test_an_event_about_nothing_of_ours_has_no_order(payments: StripePayments, sandbox: SandboxServer) -> None:
    event = payments.verify_webhook(PAYLOAD, signature(PAYLOAD, sandbox.webhook_secret, int(time.time())))
    assert (event.event_id, event.intent_ref, event.order_id) == ("evt_1", "pi_1", None)


def test_a_signature_by_another_secret_is_refused(payments: StripePayments) -> None:
    with pytest.raises(WebhookRefused):
        payments.verify_webhook(PAYLOAD, signature(PAYLOAD, "whsec_forged", int(time.time())))


def test_a_stale_signature_is_refused(payments: StripePayments, sandbox: SandboxServer) -> None:
    stale = int(time.time()) - WEBHOOK_TOLERANCE - 60
    with pytest.raises(WebhookRefused):
        payments.verify_webhook(PAYLOAD, signature(PAYLOAD, sandbox.webhook_secret, stale))


def test_a_tampered_body_is_refused(payments: StripePayments, sandbox: SandboxServer) -> None:
    signed = signature(PAYLOAD, sandbox.webhook_secret, int(time.time()))
    with pytest.raises(WebhookRefused):
        payments.verify_webhook(PAYLOAD.replace(b"pi_1", b"pi_2"), signed)


@pytest.mark.parametrize("header", ["", "t=1", "v1=abc", "t=now,v1=abc", "nonsense", "t=,v1=", "é"])
def test_a_malformed_signature_is_refused(payments: StripePayments, header: str) -> None:
    with pytest.raises(WebhookRefused):
        payments.verify_webhook(PAYLOAD, header)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'"text"', b"\xff\xfe", b'{"object": "event"}'])
def test_a_signed_body_that_is_no_event_is_refused(
    payments: StripePayments, sandbox: SandboxServer, body: bytes
) -> None:
    with pytest.raises(WebhookRefused):
        payments.verify_webhook(body, signature(body, sandbox.webhook_secret, int(time.time())))


def test_either_secret_will_do_while_one_replaces_the_other(sandbox: SandboxServer) -> None:
    both = StripePayments("sk", base=sandbox.base, webhook_secrets=["whsec_new", "whsec_old"])
    for secret in ("whsec_new", "whsec_old"):
        assert both.verify_webhook(PAYLOAD, signature(PAYLOAD, secret, int(time.time()))).event_id == "evt_1"
