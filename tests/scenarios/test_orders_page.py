"""docs/orders.md, typed as it stands there."""

import json
from typing import Any

from devstack.demo.actors import Person, eventually
from tests.scenarios.reading import Reader
from tests.test_docs import ORDERS, commands

SKU = "TEE-BASIC-BLACK-M"
SHIPPED = ("order", "ship")
DELIVERED = (*SHIPPED, "deliver")


async def typed(reader: Reader, *names: str) -> str:
    """What the last of these blocks printed."""
    before = [commands(ORDERS, name) for name in ("address", *names[:-1])]
    silent = [f"{{\n{block}}} > /dev/null" for block in before]
    return await reader.types(*silent, commands(ORDERS, names[-1]))


async def said(reader: Reader, *names: str) -> list[Any]:
    return [json.loads(line) for line in (await typed(reader, *names)).splitlines()]


async def test_an_order_leaves_in_two_parcels_and_is_delivered(reader: Reader) -> None:
    packed, in_part, shipped = await said(reader, *SHIPPED)
    assert [order["status"] for order in (packed, in_part, shipped)] == ["processing", "processing", "shipped"]
    assert [[line["quantity"] for line in one["lines"]] for one in shipped["shipments"]] == [[1], [2]]


async def test_the_timeline_tells_of_each_parcel(reader: Reader) -> None:
    delivered, timeline = await said(reader, *DELIVERED)
    assert delivered["status"] == "delivered"
    kinds = [event["kind"] for event in timeline["items"]]
    assert kinds == ["placed", "confirmed", "processing", "part_shipped", "shipped", "delivered"]


async def test_an_order_that_is_called_off_gives_money_and_stock_back(reader: Reader, staff: Person) -> None:
    before = await staff.get(f"/inventory/{SKU}")
    (order,) = await said(reader, "order", "cancel")
    assert (order["status"], order["payment_status"] in ("refunded", "voided")) == ("cancelled", True)
    after = await staff.get(f"/inventory/{SKU}")
    assert (after["on_hand"], after["reserved"]) == (before["on_hand"], before["reserved"])


async def test_what_is_sent_back_is_paid_back_and_sold_again(reader: Reader) -> None:
    approved, received = await said(reader, *DELIVERED, "return")
    assert (approved["status"], received["status"]) == ("approved", "refunded")
    assert received["refund"]["amount"] == received["refund_amount"] == {"amount": 1999, "currency": "USD"}


async def test_money_is_given_back_without_goods(reader: Reader) -> None:
    refund, payment = await said(reader, *DELIVERED, "refund")
    assert refund["status"] == "succeeded"
    assert (payment["status"], payment["refunded"]["amount"]) == ("partially_refunded", 500)


async def test_the_customer_is_told_and_reads_it(reader: Reader) -> None:
    page, read = await said(reader, *DELIVERED, "inbox")
    assert [item["kind"] for item in page["items"]] == ["order_delivered", "order_shipped", "order_part_shipped"]
    assert read["id"] == page["items"][0]["id"]
    assert read["read_at"] is not None


async def test_an_orders_events_come_live_from_its_beginning(reader: Reader) -> None:
    printed = await typed(reader, *SHIPPED, "live")
    events = [json.loads(line.removeprefix("data: ")) for line in printed.splitlines() if line.startswith("data: ")]
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]


async def test_staff_see_what_the_order_waits_for(reader: Reader) -> None:
    workflow, stuck, acted = await said(reader, *SHIPPED, "steer")
    assert (workflow["workflow_type"], workflow["waiting_for"]) == ("FulfilmentWorkflow", "delivery")
    assert isinstance(stuck["items"], list)
    assert acted["sent"] == acted["matched"]


async def test_the_providers_books_are_compared_with_ours(reader: Reader, staff: Person) -> None:
    begun, _ = await said(reader, "reconcile")

    async def is_over() -> bool:
        found = await staff.get(f"/ops/reconciliations/{begun['id']}")
        return found["finished_at"] is not None

    await eventually(is_over, "the comparison ends")
