"""The README's commands and the runbook's, run as they stand there but for the addresses and the keys."""

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from devstack.demo.actors import Bank, Person, eventually
from devstack.stack import Stack
from tests.scenarios.reading import Reader
from tests.test_docs import OPERATIONS, README, commands

SKU = "TEE-BASIC-BLACK-M"


async def becomes(staff: Person, order_id: str, **expected: str) -> None:
    async def is_so() -> bool:
        order = await staff.get(f"/orders/{order_id}")
        return {name: order.get(name) for name in expected} == expected

    await eventually(is_so, f"the order becomes {expected}")


async def test_a_newcomer_gets_from_the_readme_to_a_paid_order(reader: Reader, staff: Person) -> None:
    printed = await reader.types(commands(README, "card"))
    cart, order, orders = (json.loads(line) for line in printed.splitlines())
    assert [line["sku"] for line in cart["items"]] == [SKU]
    assert (order["status"], order["payment_method"]) == ("confirmed", "card")
    assert orders["items"][0]["id"] == order["id"]
    await becomes(staff, order["id"], status="confirmed", payment_status="captured")


async def test_the_same_click_again_is_a_replay_as_the_readme_says(reader: Reader) -> None:
    card = commands(README, "card").replace("curl -sw", "curl -siw")
    first, second = [await reader.types(card), await reader.types(card)]
    locations = {re.findall(r"^location: (\S+)", printed, re.MULTILINE)[0] for printed in (first, second)}
    assert len(locations) == 1
    assert "idempotent-replayed: true" not in first
    assert "idempotent-replayed: true" in second


async def ordered(reader: Reader, *then: str) -> str:
    """Places a COD order as the README does it and types these blocks after it; the order's id."""
    blocks = [commands(README, name) for name in ("card", "cod", *then)]
    return (await reader.types(*blocks, 'echo "$order"')).splitlines()[-1]


@pytest.mark.parametrize("way", ["cod-by-command", "cod-by-http"])
async def test_staff_confirm_a_cod_order_as_the_readme_says(way: str, reader: Reader, staff: Person) -> None:
    order_id = await ordered(reader, way)
    await becomes(staff, order_id, status="confirmed", payment_method="cod")
    events = (await staff.get(f"/orders/{order_id}/timeline"))["items"]
    assert [event["to_status"] for event in events] == ["pending_confirmation", "confirmed"]
    by_http = (await staff.get("/auth/me"))["id"]
    assert events[-1]["actor"] == (by_http if way == "cod-by-http" else "desk")


async def test_staff_confirm_a_cod_order_in_the_web_ui(reader: Reader, staff: Person, stack: Stack) -> None:
    """By the request that its dialogue sends, without input."""
    order_id = await ordered(reader)
    workflow = f"/namespaces/default/workflows/checkout-{order_id}"
    signal = {"namespace": "default", "workflowExecution": {"workflowId": f"checkout-{order_id}"}, "input": None}
    base = f"http://{stack.settings.host}:{stack.settings.temporal_ui_port}"
    async with httpx.AsyncClient(base_url=base) as browser:
        assert (await browser.get(workflow)).status_code == 200
        sent = await browser.post(
            f"/api/v1{workflow}/signal/confirm_cod",
            json=signal | {"signalName": "confirm_cod"},
            headers={"X-CSRF-TOKEN": browser.cookies["_csrf"]},
        )
    assert sent.status_code == 200, sent.text
    await becomes(staff, order_id, status="confirmed")
    assert (await staff.get(f"/orders/{order_id}/timeline"))["items"][-1]["actor"] == "temporal"


async def at_the_desk(reader: Reader, order_id: str, *names: str) -> str:
    """Types these blocks of the runbook about this order."""
    wanted = [commands(OPERATIONS, name) for name in ("address", *names)]
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
