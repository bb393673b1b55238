"""GET /orders/{id}/workflow: what staff see, whoever is away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from core.database import Database
from core.settings import Settings
from tests.api.conftest import Caller, Wires
from tests.api.shopping import COD, THREE_D_SECURE, add, ordered, refused, until
from tests.api.steering.conftest import becomes, stuck_order, view_of
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("lamps")


def summaries(view: dict[str, Any]) -> set[str]:
    return {timer["summary"] for timer in view["timers"]}


@pytest.mark.usefixtures("worker")
async def test_an_order_that_waits_for_staff_shows_its_timers(customer: Caller, staff: Caller, shop: Shop) -> None:
    await add(customer, "LAMP")
    order = await ordered(customer, COD)

    async def is_waiting() -> bool:
        return bool((await view_of(staff, order))["waiting_for"] == "staff")

    await until(is_waiting)
    view = await view_of(staff, order)
    assert (view["order_id"], view["order_number"]) == (order["id"], order["number"])
    assert (view["status"], view["workflow_status"]) == ("pending_confirmation", "running")
    assert (view["workflow_id"], view["workflow_type"]) == (f"checkout-{order['id']}", "CheckoutWorkflow")
    assert (view["step"], view["stuck_step"], view["problems"], view["related"]) == (None, None, [], [])
    assert summaries(view) == {"the hold on the stock ends", "remind staff, 1"}
    due = {timer["summary"]: datetime.fromisoformat(timer["due_at"]) for timer in view["timers"]}
    assert due["the hold on the stock ends"] - due["remind staff, 1"] > timedelta(hours=47)
    assert due["the hold on the stock ends"] > datetime.now(UTC) + timedelta(hours=71)
    assert view["web_ui_url"].startswith(f"http://127.0.0.1:8233/namespaces/default/workflows/checkout-{order['id']}/")


async def test_a_step_that_keeps_failing_shows_its_attempts_even_when_the_worker_is_gone(
    customer: Caller, staff: Caller, temporal: Client, api_settings: Settings, database: Database, redis: Redis,
    gateway: FakePayments,
) -> None:  # fmt: skip
    gateway.fail("capture", 1000)
    activities = list_activities(api_settings, database, redis, gateway)
    async with running_workers(temporal, api_settings, activities):
        await add(customer, "LAMP")
        order = await ordered(customer)

        async def has_failed() -> bool:
            step = (await view_of(staff, order))["step"]
            return bool(step and step["next_retry_at"])

        await until(has_failed)
    view = await view_of(staff, order)
    step = view["step"]
    assert (step["name"], step["summary"]) == ("capture_payment", "Capture the payment")
    assert step["attempt"] > 1
    assert step["last_error"] == {"kind": "ProviderUnavailable", "message": "capture is away"}
    assert datetime.fromisoformat(step["started_at"]) <= datetime.fromisoformat(step["next_retry_at"])
    assert "Traceback" not in str(view)
    assert "show capture_payment as stuck" in summaries(view)


@pytest.mark.usefixtures("worker")
async def test_a_step_that_was_refused_shows_why_and_what_it_waits_for(
    customer: Caller, staff: Caller, gateway: FakePayments
) -> None:
    order = await stuck_order(customer, staff, gateway)
    view = await view_of(staff, order)
    assert (view["waiting_for"], view["stuck_step"]) == ("retry_stuck", "capture_payment")
    step = view["step"]
    assert (step["name"], step["summary"], step["attempt"]) == ("capture_payment", "Capture the payment", 1)
    assert step["last_error"] == {"kind": "payment-refused", "message": "the authorisation is gone"}
    assert step["next_retry_at"] is None


@pytest.mark.usefixtures("worker")
async def test_an_order_that_is_done_shows_how_its_workflow_ended(customer: Caller, staff: Caller) -> None:
    await add(customer, "LAMP")
    order = await ordered(customer)
    await becomes(staff, order, payment_status="captured")

    async def is_over() -> bool:
        return bool((await view_of(staff, order))["workflow_status"] == "completed")

    await until(is_over)
    view = await view_of(staff, order)
    assert (view["step"], view["timers"], view["waiting_for"], view["messages"]) == (None, [], None, [])


async def test_an_order_whose_workflow_temporal_forgot_is_shown_all_the_same(staff: Caller, shop: Shop) -> None:
    order_id = await shop.paid({"LAMP": 1})
    view = await view_of(staff, {"id": order_id})
    assert (view["status"], view["workflow_status"], view["started_at"]) == ("confirmed", "forgotten", None)


@pytest.mark.usefixtures("worker")
async def test_a_long_history_is_read_from_its_end(
    customer: Caller, staff: Caller, temporal: Client, gateway: FakePayments
) -> None:
    """Each signal is an event or more: what the order waits for stands behind hundreds of them."""
    await add(customer, "LAMP")
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    handle = temporal.get_workflow_handle(order["workflow_id"])
    for _ in range(40):
        await handle.signal(CheckoutWorkflow.payment_news)

    async def is_waiting() -> bool:
        view = await view_of(staff, order)
        return view["waiting_for"] == "shopper" and "ask the provider" in summaries(view)

    await until(is_waiting)
    assert summaries(await view_of(staff, order)) == {"the hold on the stock ends", "ask the provider"}


async def test_who_may_see_it(customer: Caller, staff: Caller, shop: Shop) -> None:
    order_id = await shop.placed({"LAMP": 1}, user_id=customer.user_id)
    refused(await customer.get(f"/orders/{order_id}/workflow"), 403, "forbidden")
    refused(await staff.get(f"/orders/{uuid4()}/workflow"), 404, "not-found")
    refused(await staff.get("/orders/nonsense/workflow"), 422, "validation-failed")


async def test_temporal_away_is_told_as_such(staff: Caller, shop: Shop, wires: Wires) -> None:
    order_id = await shop.placed({"LAMP": 1})
    wires.temporal.cut()
    refused(await staff.get(f"/orders/{order_id}/workflow"), 503, "unavailable")
    refused(await staff.get("/ops/orders"), 503, "unavailable")
    refused(await staff.post(f"/orders/{order_id}/retry"), 503, "unavailable")
