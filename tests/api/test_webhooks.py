"""The payment provider's webhooks: signed, kept once, then passed on, and only then answered."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from core.settings import DEFAULT_WEBHOOK_SECRET
from tests.api.conftest import Caller, Wires
from tests.api.shopping import THREE_D_SECURE, add, ordered, refused
from tests.api.webhooks import OUTCOME, RETIRED_SECRET, deliver, event, inbox, intent_of, signature
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("signed_webhooks")

PAYLOAD = event()
FORGERIES = {
    "missing": "",
    "no signature": "hello",
    "another secret's": signature(PAYLOAD, "whsec_guessed"),
    "another body's": signature(event()),
    "six minutes old": signature(PAYLOAD, age=360),
    "of in an hour": signature(PAYLOAD, age=-3600),
    "six minutes old, with the retired secret": signature(PAYLOAD, RETIRED_SECRET, age=360),
    "without its time": signature(PAYLOAD).split(",")[1],
    "with another time": signature(PAYLOAD).replace("t=", "t=1"),
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_webhook_whose_signature_does_not_hold_is_refused_and_not_kept(
    anonymous: Caller, shop: Shop, forged: str
) -> None:
    refused(await deliver(anonymous, PAYLOAD, forged), 400, "webhook-refused")
    assert await inbox(shop) == []


NO_EVENTS = [
    b"", b"{", b"\xff\xfe", b"not json", b"[]", b"null", b"7", b"[" * 100_000,
    event(event_id="evt_\x00"), event(type_="z" * 121), event(id="pi_\ud800"),
    b'{"object": "event", "id": 7, "type": "t", "data": {"object": {}}}',
    b'{"object": "event", "id": "evt_1", "type": "t", "data": {"object": "pi_1"}}',
    b'{"object": "event", "id": "evt_1", "type": "charge.refunded", "data": {"object": {"object": "charge"}}}',
]  # fmt: skip


@pytest.mark.parametrize("body", NO_EVENTS, ids=range(len(NO_EVENTS)))
async def test_a_signed_body_that_is_no_event_is_refused(anonymous: Caller, shop: Shop, body: bytes) -> None:
    refused(await deliver(anonymous, body), 400, "webhook-refused")
    assert await inbox(shop) == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_webhook_that_is_not_sent_as_json_is_refused(anonymous: Caller, shop: Shop, content_type: str) -> None:
    refused(await deliver(anonymous, PAYLOAD, content_type=content_type), 400, "webhook-refused")
    assert await inbox(shop) == []


async def test_a_webhook_of_two_megabytes_is_refused_however_well_it_is_signed(anonymous: Caller, shop: Shop) -> None:
    refused(await deliver(anonymous, event(description="z" * 2 * 1024**2)), 413, "body-too-large")
    assert await inbox(shop) == []


async def test_the_secret_before_this_one_still_signs_while_the_provider_changes_over(
    anonymous: Caller, shop: Shop
) -> None:
    for secret in (RETIRED_SECRET, DEFAULT_WEBHOOK_SECRET):
        payload = event(event_id=f"evt_{secret}")
        assert (await deliver(anonymous, payload, signature(payload, secret))).status_code == 204
    assert len(await inbox(shop)) == 2


async def test_of_a_webhook_only_ids_and_amounts_are_kept_and_nobody_s_name_or_card(
    anonymous: Caller, shop: Shop
) -> None:
    person = {"name": "Ada Shopper", "email": "ada@example.com", "card": {"last4": "4242", "brand": "visa"}}
    told: dict[str, Any] = {"status": "requires_capture", "amount": 1999, "currency": "usd", "billing_details": person}
    await deliver(anonymous, event(receipt_email="ada@example.com", client_secret="pi_1_secret_x", **told))
    kept = {"id": "pi_1", "object": "payment_intent", "status": "requires_capture", "amount": 1999, "currency": "usd"}
    assert await shop.rows("SELECT payload FROM webhook_inbox") == [(kept | {"is_outcome": True},)]


async def test_a_webhook_of_a_provider_that_we_do_not_have_is_not_found(anonymous: Caller) -> None:
    headers = {"Stripe-Signature": signature(PAYLOAD), "Content-Type": "application/json"}
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


async def test_a_webhook_that_comes_late_reaches_nobody(
    anonymous: Caller, customer: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any], shop: Shop
) -> None:
    gateway.finish_3ds(intent_of(order["id"]), paid=True)
    assert (await deliver(anonymous, event(order["id"]))).status_code == 204
    await temporal.get_workflow_handle(order["workflow_id"]).result()
    before = (await customer.get(f"/orders/{order['id']}")).json()
    for type_ in ("payment_intent.payment_failed", "payment_intent.canceled", OUTCOME):
        assert (await deliver(anonymous, event(order["id"], type_=type_))).status_code == 204
    assert (await customer.get(f"/orders/{order['id']}")).json() == before
    assert len(await inbox(shop)) == 4
    assert await news_heard(temporal, order) == 1
    await shop.require_invariants()


async def test_a_webhook_about_another_shop_s_intent_changes_nothing_even_if_it_names_our_order(
    anonymous: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any], shop: Shop
) -> None:
    before = list(gateway.calls)
    assert (await deliver(anonymous, event(order["id"], "evt_1", id="pi_of_another_shop"))).status_code == 204
    assert await inbox(shop) == [("evt_1", UUID(order["id"]), True)]
    assert await news_heard(temporal, order) == 0
    assert gateway.calls == before


async def test_the_order_in_which_webhooks_come_does_not_matter(
    anonymous: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any]
) -> None:
    """“It failed”, which is older, comes after “it succeeded”: the provider is asked, and neither is believed."""
    gateway.finish_3ds(intent_of(order["id"]), paid=True)
    types = ("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.requires_action")
    answers = await asyncio.gather(*(deliver(anonymous, event(order["id"], type_=type_)) for type_ in types))
    assert {answer.status_code for answer in answers} == {204}
    result = await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert result["status"] == "confirmed"


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
