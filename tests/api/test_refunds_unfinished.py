"""Refunds that are not done when the reply is due, or that a crash left behind: they go on by themselves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from temporalio.client import Client

from api.dependencies import Resources
from api.refunds import Refunds
from core.database import Database
from core.settings import Settings
from domain.orders import refund_workflow_id
from models.payments import Payment, RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.api.conftest import Caller, Wires
from tests.api.refunding import SOME, ask, paid
from tests.api.shopping import refused, until, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import list_activities, running_workers


@pytest.fixture
async def payment(shop: Shop, gateway: FakePayments) -> Payment:
    """Of two lamps, paid by card."""
    await shop.product("LAMP")
    return await paid(shop, gateway, await shop.paid({"LAMP": 2}))


async def becomes(caller: Caller, refund_id: str, status: str) -> None:
    async def has() -> bool:
        return bool((await caller.get(f"/refunds/{refund_id}")).json()["status"] == status)

    await until(has)


async def test_without_temporal_a_refund_is_promised_and_kept(
    staff: Caller, shop: Shop, payment: Payment, wires: Wires, worker: object
) -> None:
    wires.temporal.cut()
    key = uuid4().hex
    promised = await ask(staff, payment, key=key)
    assert (promised.status_code, promised.json()["status"]) == (201, "pending")
    await wires.temporal.mend()
    kept = await ask(staff, payment, key=key)
    assert (kept.json()["id"], kept.json()["status"]) == (promised.json()["id"], "succeeded")
    await shop.require_invariants()


@pytest.fixture
def hurried(app: FastAPI, resources: Resources) -> None:
    """The application waits a second for its worker, and no longer."""
    settings = resources.settings.model_copy(update={"checkout_reply_deadline": timedelta(seconds=1)})
    app.state.resources = replace(resources, refunds=Refunds(resources.database, resources.temporal, settings))


Working = Callable[[], Any]


@pytest.fixture
def working(
    temporal: Client, api_settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> Working:
    """`async with working()`: now there is a worker."""
    return lambda: running_workers(temporal, api_settings, list_activities(api_settings, database, redis, gateway))


@pytest.mark.usefixtures("hurried")
async def test_a_refund_that_takes_its_time_is_pending_and_goes_on_by_itself(
    staff: Caller, shop: Shop, payment: Payment, working: Working
) -> None:
    answer = await ask(staff, payment)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    over = refused(await ask(staff, payment, SOME | {"amount": usd(3499)}), 409, "over-refund")
    assert over["left"] == usd(3498), "what is pending is claimed"
    async with working():
        await becomes(staff, answer.json()["id"], "succeeded")
    await shop.require_invariants()


async def forgotten(shop: Shop, payment: Payment, cause: RefundCause = RefundCause.STAFF) -> UUID:
    """A refund whose message was never sent, since the process that claimed it died."""
    async with shop.database.transaction() as session:
        held = await payments.locked(session, payment.order_id)
        refund = await refunds.claim(session, held, Claim(cause, "staff", amount=500))
    await shop.rows("UPDATE refunds SET created_at = now() - interval '2 minutes' WHERE id = :id", id=refund.id)
    return refund.id


async def test_what_a_crash_left_behind_is_sent_by_whoever_finds_it_first(
    staff: Caller, shop: Shop, payment: Payment, resources: Resources, working: Working, gateway: FakePayments
) -> None:
    refund_id = await forgotten(shop, payment)
    await forgotten(shop, payment, RefundCause.CANCELLATION)  # which its fulfilment sends
    sent = await asyncio.gather(*(resources.refunds.send_unsent() for _ in range(3)))
    assert sum(sent) == 1
    async with working():
        await becomes(staff, str(refund_id), "succeeded")
    assert await resources.refunds.send_unsent() == 0
    assert gateway.count("refund") == 1
    await shop.rows("UPDATE refunds SET status = 'failed', finished_at = now() WHERE cause = 'cancellation'")
    await shop.require_invariants()


async def test_a_refund_whose_workflow_was_ended_by_hand_is_begun_anew(
    staff: Caller, shop: Shop, payment: Payment, resources: Resources, working: Working
) -> None:
    refund_id = await forgotten(shop, payment)
    assert await resources.refunds.send_unsent() == 1
    await resources.temporal.get_workflow_handle(refund_workflow_id(refund_id)).terminate("by mistake")
    assert await resources.refunds.send_unsent() == 1
    async with working():
        await becomes(staff, str(refund_id), "succeeded")
    await shop.require_invariants()
