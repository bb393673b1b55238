"""GET /ops/orders: orders under way, by what they wait for or are stuck in."""

import base64
from typing import Any

import pytest
from temporalio.client import Client

from tests.api.conftest import Caller
from tests.api.shopping import COD, add, ordered, refused, until
from tests.api.steering.conftest import stuck_order
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("lamps")


async def found(staff: Caller, **query: Any) -> list[dict[str, Any]]:
    """All pages; other tests' orders may be among them."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await staff.get("/ops/orders", params={"limit": 100, **query, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def ids(staff: Caller, **query: Any) -> set[str]:
    return {item["order_id"] for item in await found(staff, **query)}


@pytest.mark.usefixtures("worker")
async def test_orders_are_found_by_what_they_wait_for_and_are_stuck_in(
    customer: Caller, staff: Caller, gateway: FakePayments
) -> None:
    stuck = await stuck_order(customer, staff, gateway)
    await add(customer, "LAMP")
    waiting = await ordered(customer, COD)

    async def are_listed() -> bool:
        listed = {item["order_id"]: item["waiting_for"] for item in await found(staff)}
        return listed.get(stuck["id"]) == "retry_stuck" and listed.get(waiting["id"]) == "staff"

    await until(are_listed)
    both = {stuck["id"], waiting["id"]}
    for query, expected in (
        ({"waiting_for": "staff"}, {waiting["id"]}),
        ({"stuck": "true"}, {stuck["id"]}),
        ({"stuck": "false"}, {waiting["id"]}),
        ({"stuck": "capture_payment"}, {stuck["id"]}),
        ({"stuck": "void_payment"}, set()),
        ({"payment_method": "cod"}, {waiting["id"]}),
        ({"status": "confirmed", "payment_method": "card"}, {stuck["id"]}),
        ({"older_than": "0"}, both),
        ({"older_than": "PT1H"}, set()),
        ({"older_than": "3600"}, set()),
    ):
        assert await ids(staff, **query) & both == expected, query
    item = next(item for item in await found(staff, stuck="true") if item["order_id"] == stuck["id"])
    assert item == item | {
        "order_number": stuck["number"], "status": "confirmed", "payment_method": "card",
        "waiting_for": "retry_stuck", "stuck_step": "capture_payment",
        "workflow_id": f"checkout-{stuck['id']}", "workflow_type": "CheckoutWorkflow",
    }  # fmt: skip


@pytest.mark.usefixtures("worker")
async def test_pages_have_every_order_once(customer: Caller, staff: Caller) -> None:
    orders = set()
    for _ in range(3):
        await add(customer, "LAMP")
        orders.add((await ordered(customer, COD))["id"])

    async def are_listed() -> bool:
        return await ids(staff, waiting_for="staff") >= orders

    await until(are_listed)
    paged = [item["order_id"] for item in await found(staff, waiting_for="staff", limit=2)]
    assert len(paged) == len(set(paged))
    assert set(paged) >= orders


@pytest.mark.usefixtures("worker")
async def test_a_cursor_that_this_list_did_not_give_out_is_refused(customer: Caller, staff: Caller) -> None:
    for _ in range(2):
        await add(customer, "LAMP")
        await ordered(customer, COD)

    async def are_listed() -> bool:
        return len(await found(staff, waiting_for="staff")) >= 2

    await until(are_listed)
    query = {"waiting_for": "staff", "limit": "1"}
    cursor = (await staff.get("/ops/orders", params=query)).json()["next_cursor"]
    tampered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    forged = base64.urlsafe_b64encode(b"0" * 16 + b'{"StartTime":"2020-01-01T00:00:00Z"}').decode()
    for bad in (tampered, forged, "x", "%00", "ä", ""):
        refused(await staff.get("/ops/orders", params=query | {"cursor": bad}), 422, "invalid-cursor")
    refused(await staff.get("/ops/orders", params={"cursor": cursor}), 422, "invalid-cursor")
    assert (await staff.get("/ops/orders", params=query | {"cursor": cursor})).status_code == 200


@pytest.mark.parametrize(
    "value", ["x' OR 'a' = 'a", "x'' OR 1=1", "\\", "\\' OR 'a'='a", "'", '"', "%", "ä", "x' OR StuckStep IS NULL --"]
)
@pytest.mark.usefixtures("worker")
async def test_what_somebody_types_stays_a_value(value: str, customer: Caller, staff: Caller) -> None:
    await add(customer, "LAMP")
    order = await ordered(customer, COD)

    async def is_listed() -> bool:
        return order["id"] in await ids(staff)

    await until(is_listed)
    assert await found(staff, waiting_for=value) == []
    assert await found(staff, stuck=value) == []


async def test_odd_queries_are_refused(staff: Caller, customer: Caller) -> None:
    for query in (
        {"older_than": "soon"}, {"older_than": "-PT1H"}, {"older_than": "-1"}, {"older_than": "9" * 400},
        {"older_than": "P9999Y"}, {"older_than": "²"}, {"status": "nowhere"}, {"payment_method": "shells"},
        {"waiting_for": ""}, {"waiting_for": "x" * 65}, {"limit": "0"}, {"limit": "101"},
    ):  # fmt: skip
        refused(await staff.get("/ops/orders", params=query), 422, "validation-failed")
    refused(await customer.get("/ops/orders"), 403, "forbidden")


async def test_workflows_of_nobody_are_not_orders(staff: Caller, temporal: Client) -> None:
    """Whoever may talk to Temporal may start anything."""
    stray = await temporal.start_workflow("CheckoutWorkflow", id="stray", task_queue="nobody-listens")
    try:

        async def is_listed() -> bool:
            return (await temporal.count_workflows("WorkflowId = 'stray'")).count > 0

        await until(is_listed)
        assert all(item["workflow_id"] != "stray" for item in await found(staff))
    finally:
        await stray.terminate()
