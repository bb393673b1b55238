"""Orders are cancelled over HTTP, whoever owns them: their checkout, or what comes after it."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from domain.errors import PaymentRefused
from domain.orders import checkout_workflow_id, fulfilment_workflow_id
from tests.api.conftest import Caller
from tests.api.fulfilling import SHIPMENT, bought, bought_by_click, do, done
from tests.api.shopping import COD, THREE_D_SECURE, keyed, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker")

WHY = {"reason": "my sister has one already"}


@pytest.mark.parametrize("body", [{"body": COD}, {"payment_token": THREE_D_SECURE}], ids=["cod", "3-D Secure"])
async def test_an_order_that_is_pending_is_cancelled_by_its_owner(
    customer: Caller, shop: Shop, body: dict[str, Any]
) -> None:
    order = await bought_by_click(customer, shop, **body)
    cancelled = await done(customer, order["id"], "cancel", WHY)
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "order-cancelled")
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def test_its_money_and_its_stock_are_back_when_the_owner_hears_of_it(
    customer: Caller, shop: Shop, gateway: FakePayments, temporal: Client
) -> None:
    order = await bought_by_click(customer, shop)
    cancelled = await done(customer, order["id"], "cancel", WHY)
    assert (cancelled["status"], cancelled["payment_status"]) in {("cancelled", "refunded"), ("cancelled", "voided")}
    (intent,) = gateway.intents.values()
    assert intent.captured == intent.refunded
    assert await shop.stock("LAMP") == (10, 0)
    timeline = (await customer.get(f"/orders/{order['id']}/timeline")).json()["items"]
    asked = next(event for event in timeline if event["kind"] == "cancel_requested")
    assert (asked["actor"], asked["note"]) == (str(customer.user_id), WHY["reason"])
    for workflow_id in (checkout_workflow_id(order["id"]), fulfilment_workflow_id(order["id"])):
        assert WHY["reason"] not in await history_of(temporal, workflow_id), "no history holds a customer's words"
    await shop.require_invariants()


async def history_of(temporal: Client, workflow_id: str) -> str:
    """Nothing where there is none."""
    found = [run async for run in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")]
    return (await temporal.get_workflow_handle(workflow_id).fetch_history()).to_json() if found else ""


async def test_staff_cancel_with_a_reason_that_the_audit_log_keeps(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await bought(customer, gateway, shop)
    await done(staff, order_id, "process")
    cancelled = await done(staff, order_id, "cancel", {"reason": "the last one is broken"})
    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "refunded")
    log = await shop.rows("SELECT action, actor_id, details FROM audit_entries ORDER BY id DESC LIMIT 1")
    assert log == [("order.cancel", staff.user_id, {"reason": "the last one is broken"})]
    last = (await customer.get(f"/orders/{order_id}/timeline")).json()["items"][-1]
    assert (last["kind"], last["note"]) == ("cancelled", "the last one is broken")
    await shop.require_invariants()


async def test_the_owner_cancels_until_it_is_shipped_and_staff_until_it_is_delivered(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    shipped, handed_over = [await bought(customer, gateway, shop) for _ in range(2)]
    for order_id in (shipped, handed_over):
        await done(staff, order_id, "process")
        await done(staff, order_id, "ship", SHIPMENT)
    await done(staff, handed_over, "deliver")
    refusal = refused(await do(customer, shipped, "cancel", WHY), 409, "not-allowed-in-state")
    assert refusal["order_status"] == "shipped"
    assert (await done(staff, shipped, "cancel", WHY))["status"] == "cancelled"
    for caller in (customer, staff):
        refused(await do(caller, handed_over, "cancel", WHY), 409, "not-allowed-in-state")
    assert await shop.stock("LAMP") == (4, 0)
    await shop.require_invariants()


async def test_a_cancelled_order_is_not_cancelled_again_but_for_the_same_key(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id, headers = await bought(customer, gateway, shop), keyed()
    answers = await asyncio.gather(*(do(customer, order_id, "cancel", WHY, headers=headers) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    again = await do(customer, order_id, "cancel", WHY, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    refused(await do(customer, order_id, "cancel", WHY), 409, "not-allowed-in-state")
    refused(await do(customer, order_id, "cancel", {"reason": "x"}, headers=headers), 422, "idempotency-key-reused")
    assert gateway.count("refund") == 1


async def test_nobody_cancels_what_is_anothers_or_nothing(
    customer: Caller, stranger: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await bought(customer, gateway, shop)
    refused(await do(stranger, order_id, "cancel", WHY), 404, "not-found")
    for caller in (customer, staff):
        refused(await do(caller, uuid4(), "cancel", WHY), 404, "not-found")
    assert (await customer.get(f"/orders/{order_id}")).json()["status"] == "confirmed"


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "\x00"}, {"reason": 7},
             WHY | {"refund": False}, []],
)  # fmt: skip
async def test_a_cancellation_that_is_none_is_refused(customer: Caller, body: Any) -> None:
    refused(await do(customer, uuid4(), "cancel", body), 422, "validation-failed")


async def test_an_order_whose_checkout_is_stuck_at_the_capture_is_cancelled_by_its_checkout(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    gateway.faults["capture"].append(PaymentRefused("not today"))
    order = await bought_by_click(customer, shop)
    await until(lambda: _captures(gateway))
    cancelled = await done(customer, order["id"], "cancel", WHY)
    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "voided")
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def _captures(gateway: FakePayments) -> bool:
    return gateway.count("capture") > 0


ROUNDS = 20


async def test_an_order_that_is_cancelled_and_shipped_at_once_ends_as_one_of_them(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=3 * ROUNDS)
    orders = [await bought(customer, gateway, shop) for _ in range(ROUNDS)]
    await asyncio.gather(*(done(staff, order_id, "process") for order_id in orders))

    async def race(order_id: UUID, number: int) -> None:
        both = [do(customer, order_id, "cancel", WHY), do(staff, order_id, "ship", SHIPMENT)]
        first, second = await asyncio.gather(*(both if number % 2 else reversed(both)))
        assert sorted((first.status_code, second.status_code)) == [200, 409]

    await asyncio.gather(*(race(order_id, number) for number, order_id in enumerate(orders)))
    await agree(shop, gateway, orders, {"cancelled", "shipped"})


async def test_an_order_that_is_cancelled_and_delivered_at_once_ends_as_one_of_them(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=3 * ROUNDS)
    orders = [await bought(customer, gateway, shop) for _ in range(ROUNDS)]
    for verb, body in (("process", {}), ("ship", SHIPMENT)):
        await asyncio.gather(*(done(staff, order_id, verb, body) for order_id in orders))

    async def race(order_id: UUID, number: int) -> None:
        both = [do(staff, order_id, "cancel", WHY), do(staff, order_id, "deliver")]
        first, second = await asyncio.gather(*(both if number % 2 else reversed(both)))
        assert sorted((first.status_code, second.status_code)) == [200, 409]

    await asyncio.gather(*(race(order_id, number) for number, order_id in enumerate(orders)))
    await agree(shop, gateway, orders, {"cancelled", "delivered"})


async def agree(shop: Shop, gateway: FakePayments, orders: list[UUID], ends: set[str]) -> None:
    """Money and stock say what the order does, for each of them."""
    statuses = {order_id: (await shop.order(order_id)).status for order_id in orders}
    assert set(statuses.values()) <= ends
    for order_id, status in statuses.items():
        refunded = gateway.intents[f"pi_{order_id.hex}"].refunded.amount
        assert refunded == (3 * 1999 if status == "cancelled" else 0)
    left = sum(3 for status in statuses.values() if status == "cancelled") if "shipped" in ends else 0
    assert await shop.stock("LAMP") == (left, 0)
    await shop.require_invariants()
