"""Money that is taken by hand: where its capture is stuck, or waits for the shipping."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from temporalio.client import Client
from temporalio.worker import Worker

from core.database import Database
from core.settings import Settings
from domain.errors import PaymentRefused
from domain.orders import CaptureAt
from services import payments
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import CARD, add, fields_of, keyed, ordered, refused, until, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import list_activities, running_workers


async def card_order(customer: Caller, shop: Shop) -> dict[str, Any]:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    return await ordered(customer, CARD)


async def capture(caller: Caller, order: dict[str, Any], key: str | None = None) -> httpx.Response:
    return await caller.post(f"/payments/{order['payment_id']}/capture", headers=keyed(key))


@pytest.mark.usefixtures("worker")
async def test_a_stuck_capture_is_tried_again_and_answered_when_it_is_done(
    customer: Caller, staff: Caller, sign_in: SignIn, shop: Shop, gateway: FakePayments, temporal: Client
) -> None:
    gateway.faults["capture"].append(PaymentRefused("the provider has a rule"))
    order = await card_order(customer, shop)

    async def is_stuck() -> bool:
        handle = temporal.get_workflow_handle(order["workflow_id"])
        return bool((await handle.query("progress"))["waiting_for"] == "retry_stuck")

    await until(is_stuck)
    key = uuid4().hex
    answer = await capture(staff, order, key)
    assert (answer.status_code, answer.json()["status"]) == (200, "captured")
    again = await capture(staff, order, key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    refused(await capture(staff, order), 409, "not-allowed-in-state")
    entries = (await (await sign_in("admin")).get("/audit", params={"action": "payment.capture"})).json()["items"]
    assert [(entry["actor_id"], entry["subject_id"]) for entry in entries] == [
        (str(staff.user_id), order["payment_id"])
    ]
    assert gateway.count("capture") == 2
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_while_the_provider_is_away_the_capture_is_accepted_and_goes_on_by_itself(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    gateway.fail("capture", 10_000)
    order = await card_order(customer, shop)
    answer = await capture(staff, order)
    assert (answer.status_code, answer.json()["status"]) == (202, "authorized")
    assert answer.headers["Location"] == f"/api/v1/payments/{order['payment_id']}"
    gateway.faults["capture"].clear()

    async def is_captured() -> bool:
        return bool((await customer.get(f"/payments/{order['payment_id']}")).json()["status"] == "captured")

    await until(is_captured)
    await shop.require_invariants()


@pytest.fixture
async def shipping_worker(
    temporal: Client, api_settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> AsyncIterator[Worker]:
    """Of a shop that takes the money when it ships."""
    settings = api_settings.model_copy(update={"capture_at": CaptureAt.SHIPPING})
    async with running_workers(temporal, settings, list_activities(settings, database, redis, gateway)) as worker:
        yield worker


@pytest.mark.usefixtures("shipping_worker")
async def test_money_that_waits_for_the_shipping_may_be_taken_before_it(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order = await card_order(customer, shop)
    assert order["payment_status"] == "authorized"
    key = uuid4().hex
    answers = await asyncio.gather(*(capture(staff, order, key) for _ in range(3)))
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "captured")] * 3
    assert gateway.count("capture") == 1
    await shop.require_invariants()


@pytest.mark.usefixtures("shipping_worker")
async def test_a_capture_that_the_provider_refuses_is_told(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order = await card_order(customer, shop)
    gateway.faults["capture"].append(PaymentRefused("the authorisation is over"))
    key = uuid4().hex
    refused(await capture(staff, order, key), 402, "payment-refused")
    assert (await customer.get(f"/orders/{order['id']}")).json()["payment_status"] == "authorized"
    again = await capture(staff, order, key)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, None), "a refusal gives the key back"
    await shop.require_invariants()


async def test_what_is_not_set_aside_is_not_captured(customer: Caller, staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    held = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        pending = await payments.open_payment(session, held, "stripe")
    captured = await shop.payment(await shop.paid({"LAMP": 1}))
    for payment in (pending, captured):
        refused(await capture(staff, {"payment_id": payment.id}), 409, "not-allowed-in-state")
        refused(await capture(customer, {"payment_id": payment.id}), 403, "forbidden")
    refused(await capture(staff, {"payment_id": uuid4()}), 404, "not-found")
    refused(await staff.post(f"/payments/{captured.id}/capture"), 400, "idempotency-key-missing")


async def test_a_capture_of_some_of_it_is_refused_and_not_taken_for_all(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    payment = await shop.payment(await shop.paid({"LAMP": 1}))
    answer = await staff.post(f"/payments/{payment.id}/capture", json={"amount": usd(5)}, headers=keyed())
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.amount"}
