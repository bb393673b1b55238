"""Staff pack, ship and deliver over HTTP: what they hear, what is refused before anybody is told, and what is kept."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.orders import fulfilment_workflow_id
from services import idempotency
from services.orders.requesting import fingerprint_of
from tests.api.conftest import Caller
from tests.api.fulfilling import SHIPMENT, bought, bought_by_click, do, done
from tests.api.shopping import COD, keyed, refused, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker")


async def test_an_order_is_packed_shipped_and_handed_over(customer: Caller, staff: Caller, shop: Shop) -> None:
    order = await bought_by_click(customer, shop)
    assert order["shipments"] == []
    assert (await done(staff, order["id"], "process", {"note": "shelf 4"}))["status"] == "processing"
    shipped = await done(staff, order["id"], "ship", SHIPMENT)
    assert shipped["status"] == "shipped"
    (shipment,) = shipped["shipments"]
    assert shipment | {"id": "", "shipped_at": ""} == {
        "id": "", "shipped_at": "", **SHIPMENT, "lines": [{"sku": "LAMP", "quantity": 3}],
    }  # fmt: skip
    assert (await done(staff, order["id"], "deliver"))["status"] == "delivered"
    seen = (await customer.get(f"/orders/{order['id']}")).json()
    assert (seen["status"], seen["shipments"]) == ("delivered", [shipment])
    timeline = (await customer.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert [(event["kind"], event["note"]) for event in timeline[2:]] == [
        ("processing", "shelf 4"), ("shipped", None), ("delivered", None),
    ]  # fmt: skip
    assert {event["actor"] for event in timeline[2:]} == {str(staff.user_id)}
    log = await shop.rows("SELECT action, actor_id, details FROM audit_entries ORDER BY id")
    assert log == [
        ("order.process", staff.user_id, {"note": "shelf 4"}),
        ("order.ship", staff.user_id, {}),
        ("order.deliver", staff.user_id, {}),
    ]
    await shop.require_invariants()


async def test_an_order_is_shipped_in_parts_and_never_more_than_is_left(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await bought(customer, gateway, shop, {"LAMP": 3, "SHADE": 1})
    await done(staff, order_id, "process")
    lines = [{"sku": "LAMP", "quantity": 1}, {"sku": "LAMP", "quantity": 1}]
    part = await done(staff, order_id, "ship", SHIPMENT | {"lines": lines})
    assert (part["status"], part["shipments"][0]["lines"]) == ("processing", [{"sku": "LAMP", "quantity": 2}])
    lines = [{"sku": sku, "quantity": 2} for sku in ("SHADE", "LAMP", "NOPE")]
    over = refused(await do(staff, order_id, "ship", SHIPMENT | {"lines": lines}), 409, "over-shipment")
    assert over["lines"] == [
        {"sku": "LAMP", "requested": 2, "left": 1},
        {"sku": "NOPE", "requested": 2, "left": 0},
        {"sku": "SHADE", "requested": 2, "left": 1},
    ]
    whole = await done(staff, order_id, "ship", SHIPMENT)
    assert (whole["status"], len(whole["shipments"])) == ("shipped", 2)
    assert whole["shipments"][1]["lines"] == [{"sku": "LAMP", "quantity": 1}, {"sku": "SHADE", "quantity": 1}]
    listed = (await customer.get("/orders")).json()["items"]
    assert [order["shipments"] for order in listed] == [whole["shipments"]]
    await shop.require_invariants()


@pytest.mark.parametrize(
    "change",
    [
        {"carrier": ""}, {"carrier": " "}, {"carrier": "x" * 81}, {"carrier": "D\x00L"}, {"carrier": None},
        {"tracking_number": "9" * 10_000}, {"tracking_number": "JJD\n1"}, {"tracking_number": 7},
        {"lines": []}, {"lines": "LAMP"}, {"lines": [{"sku": "LAMP"}]}, {"lines": [{"sku": "LAMP", "quantity": 0}]},
        {"lines": [{"sku": "LAMP", "quantity": -1}]}, {"lines": [{"sku": "LAMP", "quantity": 2**40}]},
        {"lines": [{"sku": "L\x00", "quantity": 1}]}, {"lines": [{"sku": "LAMP", "quantity": 1, "price": 1}]},
        {"note": "x" * 501}, {"weight": 3},
    ],
)  # fmt: skip
async def test_a_shipment_that_is_none_is_refused(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, change: dict[str, Any]
) -> None:
    order_id = await bought(customer, gateway, shop)
    refused(await do(staff, order_id, "ship", SHIPMENT | change), 422, "validation-failed")


async def test_what_the_state_forbids_is_refused_before_anybody_is_told(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, temporal: Client
) -> None:
    order_id = await bought(customer, gateway, shop)
    pending = await shop.held({"LAMP": 1}, user_id=customer.user_id)
    for verb, body in (("ship", SHIPMENT), ("deliver", {})):
        assert (
            refused(await do(staff, order_id, verb, body), 409, "not-allowed-in-state")["order_status"] == "confirmed"
        )
    for verb, body in (("process", {}), ("ship", SHIPMENT), ("deliver", {})):
        refused(await do(staff, pending, verb, body), 409, "not-allowed-in-state")
        refused(await do(staff, uuid4(), verb, body), 404, "not-found")
        refused(await do(customer, order_id, verb, body), 403, "forbidden")
    for untold in (order_id, pending):
        with pytest.raises(RPCError) as missing:
            await temporal.get_workflow_handle(fulfilment_workflow_id(untold)).describe()
        assert missing.value.status == RPCStatusCode.NOT_FOUND
    assert await shop.rows("SELECT action FROM audit_entries") == []


@pytest.mark.parametrize("collected", [None, True, usd(3 * 1999)])
async def test_cash_that_was_due_is_booked_with_the_delivery(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, collected: Any
) -> None:
    order_id = await on_its_way(customer, staff, shop, gateway, method="cod")
    order = await done(staff, order_id, "deliver", {"cod_collected": collected})
    assert (order["status"], order["payment_status"]) == ("delivered", "captured")
    payment = (await customer.get(f"/payments/{order['payment_id']}")).json()
    assert (payment["provider"], payment["captured"]) == ("cod", usd(3 * 1999))
    await shop.require_invariants()


@pytest.mark.parametrize("collected", [False, usd(1), usd(0), {"amount": 3 * 1999, "currency": "EUR"}])
async def test_other_cash_than_what_is_due_is_refused_with_what_is(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, collected: Any
) -> None:
    order_id = await on_its_way(customer, staff, shop, gateway, method="cod")
    wrong = await do(staff, order_id, "deliver", {"cod_collected": collected})
    assert refused(wrong, 422, "cash-mismatch")["due"] == usd(3 * 1999)
    assert (await customer.get(f"/orders/{order_id}")).json()["status"] == "shipped"


@pytest.mark.parametrize("collected", [True, False, usd(3 * 1999), usd(0)])
async def test_an_order_that_was_paid_by_card_takes_no_cash(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, collected: Any
) -> None:
    order_id = await on_its_way(customer, staff, shop, gateway)
    wrong = await do(staff, order_id, "deliver", {"cod_collected": collected})
    assert refused(wrong, 422, "cash-mismatch")["due"] == usd(0)


@pytest.mark.parametrize("collected", ["yes", 1, {"amount": -1, "currency": "USD"}, {"amount": 5}, [True]])
async def test_cash_that_is_no_money_is_refused(staff: Caller, collected: Any) -> None:
    refused(await do(staff, uuid4(), "deliver", {"cod_collected": collected}), 422, "validation-failed")


async def on_its_way(customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, **how: Any) -> UUID:
    order_id = await bought(customer, gateway, shop, **how)
    await done(staff, order_id, "process")
    await done(staff, order_id, "ship", SHIPMENT)
    return order_id


async def test_the_same_key_ships_once_however_often_and_at_once(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await bought(customer, gateway, shop)
    await done(staff, order_id, "process")
    one, headers = SHIPMENT | {"lines": [{"sku": "LAMP", "quantity": 1}]}, keyed()
    answers = await asyncio.gather(*(do(staff, order_id, "ship", one, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 3
    refused(await do(staff, order_id, "ship", SHIPMENT, headers=headers), 422, "idempotency-key-reused")
    assert (await done(staff, order_id, "ship", SHIPMENT))["status"] == "shipped"
    again = await do(staff, order_id, "ship", one, headers=headers)
    assert (again.status_code, again.json()["status"], len(again.json()["shipments"])) == (200, "shipped", 2)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("verb", "body"), [("process", {}), ("ship", SHIPMENT), ("deliver", {})])
async def test_a_command_that_was_overtaken_by_a_cancellation_is_not_answered_as_done(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, verb: str, body: dict[str, Any]
) -> None:
    """Nobody was told, or the answer was a 503: all that is known of it is its key."""
    order_id, headers = await bought(customer, gateway, shop), keyed()
    path = f"/orders/{order_id}/{verb}"
    fingerprint = fingerprint_of({"method": "POST", "path": path, "body": body})
    assert staff.user_id
    async with shop.database.transaction() as session:
        await idempotency.record(session, staff.user_id, headers["Idempotency-Key"], fingerprint)
    await done(staff, order_id, "cancel", {"reason": "sold out"})
    again = refused(await do(staff, order_id, verb, body, headers=headers), 409, "not-allowed-in-state")
    assert again["order_status"] == "cancelled"


async def test_a_refused_command_does_not_use_its_key_up(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id, headers = await bought(customer, gateway, shop), keyed()
    refused(await do(staff, order_id, "ship", SHIPMENT, headers=headers), 409, "not-allowed-in-state")
    await done(staff, order_id, "process")
    assert (await done(staff, order_id, "ship", SHIPMENT, headers=headers))["status"] == "shipped"


async def test_of_two_that_ship_the_same_units_at_once_one_is_refused(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await bought(customer, gateway, shop)
    await done(staff, order_id, "process")
    two = SHIPMENT | {"lines": [{"sku": "LAMP", "quantity": 2}]}
    answers = await asyncio.gather(*(do(staff, order_id, "ship", two) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (lost,) = [answer for answer in answers if answer.status_code == 409]
    assert refused(lost, 409, "over-shipment")["lines"] == [{"sku": "LAMP", "requested": 2, "left": 1}]
    assert await shop.rows("SELECT sum(quantity) FROM shipment_lines") == [(2,)]
    await shop.require_invariants()


async def test_a_cod_order_is_processed_once_staff_have_confirmed_it(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    order = await bought_by_click(customer, shop, body=COD)
    refused(await do(staff, order["id"], "process"), 409, "not-allowed-in-state")
    await done(staff, order["id"], "confirm")
    assert (await done(staff, order["id"], "process"))["status"] == "processing"
