"""The shopper comes back from the bank: a hint to ask the provider, which may come first, twice, late or never."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from temporalio.client import Client

from tests.api.conftest import Caller, Wires
from tests.api.shopping import THREE_D_SECURE, add, ordered
from tests.api.webhooks import intent_of
from tests.builders import Shop
from tests.fakes.payments import FakePayments

STORE = "http://127.0.0.1:8000"


@pytest.fixture
async def order(customer: Caller, shop: Shop, worker: object) -> dict[str, Any]:
    """One that waits for the bank."""
    await shop.product("LAMP")
    await add(customer, "LAMP")
    return await ordered(customer, payment_token=THREE_D_SECURE)


async def come_back(caller: Caller, order: dict[str, Any], **more: str) -> httpx.Response:
    query = {"payment_intent": intent_of(order["id"]), "redirect_status": "succeeded"} | more
    return await caller.get("/payments/return", params=query)


async def news_heard(temporal: Client, order: dict[str, Any]) -> int:
    history = await temporal.get_workflow_handle(order["workflow_id"]).fetch_history()
    return sum(found.HasField("workflow_execution_signaled_event_attributes") for found in history.events)


async def test_the_return_leads_to_the_order_s_page_and_confirms_a_paid_order_before_any_webhook(
    anonymous: Caller, customer: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any]
) -> None:
    gateway.finish_3ds(intent_of(order["id"]), paid=True)
    answer = await come_back(anonymous, order)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{STORE}/orders/{order['id']}")
    result = await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert result["status"] == "confirmed"
    assert (await customer.get(f"/orders/{order['id']}")).json()["status"] == "confirmed"


async def test_nothing_that_the_browser_brings_is_believed(
    anonymous: Caller, customer: Caller, order: dict[str, Any], gateway: FakePayments, shop: Shop
) -> None:
    before = gateway.count("retrieve")
    lie = {"status": "succeeded", "order_id": order["id"], "next": "https://evil.example"}
    answer = await come_back(anonymous, order, **lie)
    assert answer.headers["Location"] == f"{STORE}/orders/{order['id']}"
    async with asyncio.timeout(10):
        while gateway.count("retrieve") == before:  # noqa: ASYNC110 — the workflow asks the provider by itself
            await asyncio.sleep(0.02)
    assert (await customer.get(f"/orders/{order['id']}")).json()["status"] == "pending_payment"


async def test_a_browser_in_a_loop_is_passed_on_once(
    anonymous: Caller, temporal: Client, order: dict[str, Any]
) -> None:
    answers = await asyncio.gather(*(come_back(anonymous, order) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {303}
    assert await news_heard(temporal, order) == 1


async def test_who_comes_back_late_is_shown_the_order_and_wakes_nobody(
    anonymous: Caller, temporal: Client, gateway: FakePayments, order: dict[str, Any]
) -> None:
    checkout = temporal.get_workflow_handle(order["workflow_id"])
    await checkout.signal("cancel_order")
    await checkout.result()
    calls = list(gateway.calls)
    answer = await come_back(anonymous, order)
    assert answer.headers["Location"] == f"{STORE}/orders/{order['id']}"
    assert (await news_heard(temporal, order), gateway.calls) == (1, calls)


UNKNOWN = ["pi_unknown", "", "\x00", "z" * 300, "pi_1' OR '1'='1", "../../evil", "pi_é", "\ud7ff"]


@pytest.mark.parametrize("reference", UNKNOWN, ids=range(len(UNKNOWN)))
async def test_an_intent_that_nobody_knows_leads_to_the_store_s_front_page(
    anonymous: Caller, shop: Shop, reference: str
) -> None:
    answer = await anonymous.get("/payments/return", params={"payment_intent": reference})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{STORE}/")
    assert (await anonymous.get("/payments/return")).headers["Location"] == f"{STORE}/"


@pytest.mark.parametrize("away", ["temporal", "redis"])
async def test_the_shopper_is_shown_the_order_whatever_is_away(
    anonymous: Caller, order: dict[str, Any], wires: Wires, away: str, gateway: FakePayments, temporal: Client
) -> None:
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=True)
    getattr(wires, away).cut()
    answer = await come_back(anonymous, order)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{STORE}/orders/{order['id']}")
    await temporal.get_workflow_handle(order["workflow_id"]).signal("payment_news")
    assert (await temporal.get_workflow_handle(order["workflow_id"]).result())["status"] == "confirmed"
