"""The README's commands, run as they stand there but for the addresses and the keys."""

import json
import re

import httpx
import pytest

from devstack.demo.actors import Person, eventually
from devstack.stack import Stack
from tests.scenarios.reading import Reader
from tests.test_docs import README, commands

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
