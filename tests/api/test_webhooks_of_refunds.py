"""The provider's news of refunds: for the refund that waits, or a reason to compare the books."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from temporalio.client import Client, WorkflowHandle

from api.dependencies import Resources
from domain.orders import refund_workflow_id
from models.payments import Refund, RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.api.conftest import Caller
from tests.api.webhooks import deliver, event, inbox
from tests.builders import Shop

pytestmark = pytest.mark.usefixtures("signed_webhooks")

StartUnheeded = Callable[[str], Awaitable[WorkflowHandle[Any, Any]]]


@pytest.fixture
async def refund(shop: Shop) -> Refund:
    """Pending, on the intent `pi_1`."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        payment.provider_ref = "pi_1"
        return await refunds.claim(session, payment, Claim(RefundCause.STAFF, "staff", 500))


@pytest.fixture
async def unheeded(temporal: Client) -> AsyncIterator[StartUnheeded]:
    """Starts something under a workflow's id that nobody works on: what it is told stands in its history."""
    started: list[WorkflowHandle[Any, Any]] = []

    async def start(workflow_id: str) -> WorkflowHandle[Any, Any]:
        started.append(await temporal.start_workflow("Unheeded", id=workflow_id, task_queue="nobody"))
        return started[-1]

    yield start
    for handle in started:
        await handle.terminate()


async def signals(handle: WorkflowHandle[Any, Any]) -> list[str]:
    attributes = [e.workflow_execution_signaled_event_attributes for e in (await handle.fetch_history()).events]
    return [found.signal_name for found in attributes if found.signal_name]


def of_refund(refund_id: UUID | None = None, type_: str = "refund.updated", ref: str = "re_1") -> bytes:
    metadata = {"refund_id": str(refund_id)} if refund_id else {}
    subject: dict[str, Any] = {
        "id": ref,
        "object": "refund",
        "payment_intent": "pi_1",
        "status": "succeeded",
        "metadata": metadata,
    }
    return event(type_=type_, **subject)


async def test_the_news_of_a_refund_reaches_the_refund_that_waits_for_it_once(
    anonymous: Caller, refund: Refund, shop: Shop, unheeded: StartUnheeded
) -> None:
    waiting = await unheeded(refund_workflow_id(refund.id))
    payload = of_refund(refund.id)
    for _ in range(3):
        assert (await deliver(anonymous, payload)).status_code == 204
    assert await signals(waiting) == ["payment_news"]
    charge: dict[str, Any] = {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": "pi_1",
        "amount": 1999,
        "amount_captured": 1999,
    }
    payload = event(type_="charge.refunded", **charge, amount_refunded=500)
    assert (await deliver(anonymous, payload)).status_code == 204
    assert await signals(waiting) == ["payment_news", "payment_news"]


async def test_the_news_of_a_refund_whose_workflow_is_not_there_is_kept(
    anonymous: Caller, refund: Refund, shop: Shop
) -> None:
    assert (await deliver(anonymous, of_refund(refund.id))).status_code == 204
    assert [is_delivered for _, _, is_delivered in await inbox(shop)] == [True]


async def test_money_that_was_given_back_over_there_starts_a_comparison_of_that_one_intent(
    anonymous: Caller, refund: Refund, shop: Shop, temporal: Client, app: FastAPI, resources: Resources
) -> None:
    elsewhere = resources.settings.model_copy(update={"task_queue": "nobody"})
    app.state.resources = replace(app.state.resources, settings=elsewhere)
    for payload in (of_refund(ref="re_of_somebody"), of_refund(ref="re_of_somebody", type_="charge.refund.updated")):
        assert (await deliver(anonymous, payload)).status_code == 204
    comparison = temporal.get_workflow_handle("reconciliation-pi_1")
    started = (await comparison.fetch_history()).events[0].workflow_execution_started_event_attributes
    await comparison.terminate()
    assert started.workflow_type.name == "ReconciliationWorkflow"
    assert b'"intent_ref":"pi_1"' in started.input.payloads[0].data
