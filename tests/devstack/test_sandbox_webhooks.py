"""The sandbox's webhooks: signed, in order, until they are taken."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from tests.sandbox import INTENTS, NEW, SandboxServer, WebhookInbox, running_sandbox

STORY = [
    "payment_intent.created",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "payment_intent.succeeded",
]


@pytest.fixture
def inbox() -> Iterator[WebhookInbox]:
    with WebhookInbox().listening() as inbox:
        yield inbox


@pytest.fixture
def sandbox(tmp_path: Path, inbox: WebhookInbox) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path, webhook_url=inbox.url) as server:
        yield server


@pytest.fixture
async def api(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with sandbox.api() as api:
        yield api


async def captured(api: httpx.AsyncClient) -> str:
    """The id of an intent that went through the whole story."""
    intent_id: str = (await api.post(INTENTS, data=NEW)).json()["id"]
    await api.post(f"{INTENTS}/{intent_id}/confirm", data={"payment_method": "pm_card_visa"})
    await api.post(f"{INTENTS}/{intent_id}/capture")
    return intent_id


async def test_they_are_signed_and_in_order(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    await captured(api)
    inbox.wait_for(4)
    assert inbox.types == STORY
    for body, header in inbox.received:
        event = stripe.Webhook.construct_event(body, header, sandbox.webhook_secret)
        assert event.object == "event"
    sandbox.wait_delivered()


async def test_every_turn_of_an_intent_is_told(api: httpx.AsyncClient, inbox: WebhookInbox) -> None:
    intent_id = (await api.post(INTENTS, data=NEW)).json()["id"]
    confirm = f"{INTENTS}/{intent_id}/confirm"
    await api.post(confirm, data={"payment_method": "pm_card_chargeDeclined"})
    await api.post(confirm, data={"payment_method": "pm_card_authenticationRequired"})
    await api.post(f"/_sandbox/intents/{intent_id}/decline")
    await api.post(confirm, data={"payment_method": "pm_card_visa"})
    await api.post(f"{INTENTS}/{intent_id}/cancel")
    refunded = await captured(api)
    await api.post("/v1/refunds", data={"payment_intent": refunded})
    inbox.wait_for(13)
    story = [kind for (body, _), kind in zip(inbox.received, inbox.types, strict=True) if intent_id.encode() in body]
    assert story == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.payment_failed",
        "payment_intent.amount_capturable_updated",
        "charge.refunded",
        "payment_intent.canceled",
    ]
    others = [kind for (body, _), kind in zip(inbox.received, inbox.types, strict=True) if refunded.encode() in body]
    assert others == [*STORY, "refund.created", "charge.refunded"]


async def test_one_that_is_not_taken_comes_again_before_the_next(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    inbox.answers = [500, 302]
    await captured(api)
    inbox.wait_for(6)
    assert inbox.types == [STORY[0], STORY[0], *STORY]
    assert len({json.loads(body)["id"] for body, _ in inbox.received}) == 4
    sandbox.wait_delivered()


async def test_one_intent_does_not_wait_for_another(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    inbox.answers = [500] * 4  # the first waits 0.5, 1, 2, 4 seconds
    stuck = (await api.post(INTENTS, data=NEW)).json()["id"]
    inbox.wait_for(1)
    inbox.answers = []
    free = await captured(api)
    inbox.wait_until(lambda: sum(free.encode() in body for body, _ in inbox.received) == 4)
    inbox.wait_until(lambda: sum(stuck.encode() in body for body, _ in inbox.received) == 2)
    sandbox.wait_delivered()


async def test_what_nobody_took_survives_kill_9(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    sandbox.fault("webhook", "pause")
    await captured(api)
    assert sandbox.undelivered() == 4
    assert inbox.received == []
    sandbox.kill9()
    sandbox.start()
    inbox.wait_for(4)
    assert inbox.types == STORY


async def test_a_receiver_that_is_away_blocks_no_answer_and_gets_them_later(tmp_path: Path) -> None:
    inbox = WebhookInbox()  # bound, and nobody answers
    with running_sandbox(tmp_path, webhook_url=inbox.url) as sandbox:
        async with sandbox.api() as api:
            for _ in range(12):
                await captured(api)
        assert sandbox.undelivered() == 48
        with inbox.listening():
            sandbox.wait_delivered()
    assert sorted(set(inbox.types)) == sorted(STORY)


async def test_a_paused_courier_goes_on_when_the_knobs_are_cleared(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    sandbox.fault("webhook", "pause")
    await captured(api)
    assert (sandbox.undelivered(), inbox.received) == (4, [])
    sandbox.clear_faults()
    inbox.wait_for(4)
    assert inbox.types == STORY


async def test_one_can_get_lost(api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox) -> None:
    sandbox.fault("webhook", "lost", times=2)
    await captured(api)
    inbox.wait_for(2)
    assert inbox.types == STORY[2:]


async def test_one_can_come_twice(api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox) -> None:
    sandbox.fault("webhook", "duplicate")
    await captured(api)
    inbox.wait_for(5)
    assert inbox.types == [STORY[0], *STORY]
    assert inbox.received[0][0] == inbox.received[1][0]


async def test_one_can_be_overtaken(api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox) -> None:
    sandbox.fault("webhook", "reorder", delay_seconds=600)
    await captured(api)
    inbox.wait_for(4)
    assert inbox.types == [STORY[1], STORY[0], *STORY[2:]]
    sandbox.wait_delivered()


async def test_one_that_nothing_overtakes_comes_after_its_delay(
    api: httpx.AsyncClient, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    sandbox.fault("webhook", "reorder", delay_seconds=0.3)
    await api.post(INTENTS, data=NEW)
    inbox.wait_for(1)
    assert inbox.types == STORY[:1]


async def test_only_the_types_that_were_asked_for_are_sent(tmp_path: Path, inbox: WebhookInbox) -> None:
    asked = "charge.captured, payment_intent.succeeded"
    with running_sandbox(tmp_path, webhook_url=inbox.url, webhook_events=asked) as sandbox:
        async with sandbox.api() as api:
            await captured(api)
            listed = (await api.get("/v1/events")).json()["data"]
        inbox.wait_for(2)
    assert inbox.types == STORY[2:]
    assert [event["type"] for event in listed[::-1]] == STORY
