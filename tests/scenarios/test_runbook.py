"""The runbook's commands, typed as they stand there but for the addresses."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from devstack.demo.actors import Bank, Person, eventually
from devstack.stack import Stack
from tests.scenarios.reading import Reader
from tests.scenarios.test_readme import SKU, becomes, ordered
from tests.test_docs import OPERATIONS, commands


async def at_the_desk(reader: Reader, order_id: str, *names: str) -> str:
    """Types these blocks of the runbook about this order."""
    wanted = [commands(OPERATIONS, name) for name in ("desk", "address", *names)]
    return await reader.types(f"order={order_id}", *wanted)


async def test_the_runbook_finds_an_order_that_waits_and_rejects_it(reader: Reader, staff: Person) -> None:
    order_id = await ordered(reader)

    async def is_listed() -> bool:
        return f"checkout-{order_id}" in await at_the_desk(reader, order_id, "look")

    await eventually(is_listed, "the order is listed as waiting for staff")
    assert '"waiting_for":"staff"' in await at_the_desk(reader, order_id, "one")
    await at_the_desk(reader, order_id, "reject")
    await becomes(staff, order_id, status="cancelled", cancel_reason="cod-rejected")


async def test_the_runbook_confirms_an_order(reader: Reader, staff: Person) -> None:
    order_id = await ordered(reader)
    await at_the_desk(reader, order_id, "confirm")
    await becomes(staff, order_id, status="confirmed")


@pytest.fixture
async def stuck(api: httpx.AsyncClient, bank: Bank, stack: Stack) -> str:
    """The id of a confirmed order whose money the provider let go of before it was captured."""
    shopper = await Person.newcomer(api, f"reader-{uuid4().hex}@example.com")
    await shopper.put_into_cart(SKU)
    outage: dict[str, Any] = {"operation": "capture", "kind": "outage", "times": None}
    assert (await bank.http.post("/_sandbox/faults", json=outage)).status_code == 201
    order_id: str = (await shopper.check_out()).json()["id"]
    (intent,) = await bank.intents_of(order_id)
    key = {"Authorization": f"Bearer {stack.settings.stripe_api_key}"}
    assert (await bank.http.post(f"/v1/payment_intents/{intent['id']}/cancel", headers=key)).status_code == 200
    assert (await bank.http.delete("/_sandbox/faults")).status_code == 204
    return order_id


async def test_the_runbook_finds_an_order_that_is_stuck_and_gives_it_up(
    reader: Reader, staff: Person, stuck: str
) -> None:
    async def waits() -> bool:
        return '"waiting_for":"retry_stuck"' in await at_the_desk(reader, stuck, "one")

    async def is_listed() -> bool:
        return f"checkout-{stuck}" in await at_the_desk(reader, stuck, "look")

    on_hand = (await staff.get(f"/inventory/{SKU}"))["on_hand"]
    await eventually(waits, "the refused capture waits for staff")
    await eventually(is_listed, "the order is listed as stuck")
    await at_the_desk(reader, stuck, "retry")
    await eventually(waits, "the provider refuses again")
    assert '"status":"cancelled"' in await at_the_desk(reader, stuck, "cancel")
    await becomes(staff, stuck, status="cancelled", cancel_reason="order-cancelled", payment_status="voided")
    assert (await staff.get(f"/inventory/{SKU}"))["on_hand"] == on_hand + 1


async def test_the_runbook_finds_an_order_over_http_and_gives_its_customer_more_time(
    reader: Reader, staff: Person
) -> None:
    order_id = await ordered(reader)

    async def is_found() -> bool:
        printed = await at_the_desk(reader, order_id, "look-http")
        assert [set(json.loads(line)) for line in printed.splitlines()] == [{"items", "next_cursor"}] * 3
        listed = (await staff.get("/ops/orders?waiting_for=staff"))["items"]
        return order_id in {item["order_id"] for item in listed}

    await eventually(is_found, "the order is listed over HTTP")
    view = json.loads(await at_the_desk(reader, order_id, "one-http"))
    assert (view["order_id"], view["waiting_for"]) == (order_id, "staff")
    await at_the_desk(reader, order_id, "extend-http", "extend")
    events = (await staff.get(f"/orders/{order_id}/timeline"))["items"]
    assert [(event["kind"], event["note"]) for event in events[1:]] == [("hold_extended", "on holiday")] * 2
    await at_the_desk(reader, order_id, "reject")
    await becomes(staff, order_id, status="cancelled", cancel_reason="cod-rejected")


async def test_the_runbook_has_a_stuck_order_try_again_over_http(reader: Reader, staff: Person, stuck: str) -> None:
    async def waits() -> bool:
        return bool(json.loads(await at_the_desk(reader, stuck, "one-http"))["waiting_for"] == "retry_stuck")

    await eventually(waits, "the refused capture waits for staff")
    answer = json.loads(await at_the_desk(reader, stuck, "retry-http"))
    assert answer["order_id"] == stuck
    await eventually(waits, "the provider refuses again")
    await eventually(lambda: is_listed(staff, stuck), "the order is listed as stuck")
    answer = json.loads(await at_the_desk(reader, stuck, "retry-all-http"))
    assert {"order_id": stuck, "outcome": "sent", "code": None} in answer["results"]
    await at_the_desk(reader, stuck, "retry-all")
    assert '"status":"cancelled"' in await at_the_desk(reader, stuck, "cancel")
    await becomes(staff, stuck, status="cancelled")


async def is_listed(staff: Person, order_id: str) -> bool:
    return order_id in {item["order_id"] for item in (await staff.get("/ops/orders?stuck=true"))["items"]}
