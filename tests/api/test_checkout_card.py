"""Checking out by card: the whole order in the answer, its lines out of the cart, the money taken once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client

from core.database import Database
from domain.orders import checkout_workflow_id
from models.catalogue import Variant
from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, CARD, THREE_D_SECURE, add, cart_of, check_out, ordered, refused, until, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from workflows.checkout import CheckoutWorkflow

pytestmark = pytest.mark.usefixtures("worker")


async def captured(caller: Caller, order: dict[str, str]) -> None:
    """Until the money is taken, which happens after the reply."""

    async def is_captured() -> bool:
        return bool((await caller.get(f"/orders/{order['id']}")).json()["payment_status"] == "captured")

    await until(is_captured)


async def test_a_paid_checkout_answers_with_the_whole_confirmed_order(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", price=1250, stock=5)
    await shop.product("VASE", price=300)
    await add(customer, "LAMP", 2)
    await add(customer, "VASE", 1)
    response = await check_out(customer, notes="leave it at the door", expected_total=usd(2800))
    assert response.status_code == 201, response.text
    assert "Idempotent-Replayed" not in response.headers
    order = response.json()
    nothing = usd(0)
    assert order == {
        "id": order["id"], "number": order["number"], "status": "confirmed", "payment_method": "card",
        "payment_status": order["payment_status"], "payment_id": order["payment_id"],
        "lines": [
            {"sku": "LAMP", "name": "The LAMP", "quantity": 2, "unit_price": usd(1250), "line_total": usd(2500)},
            {"sku": "VASE", "name": "The VASE", "quantity": 1, "unit_price": usd(300), "line_total": usd(300)},
        ],
        "totals": {
            "subtotal": usd(2800), "discount": nothing, "shipping": nothing, "tax": nothing, "total": usd(2800),
        },
        "shipping_address": ADDRESS | {"line2": None, "phone": None}, "notes": "leave it at the door",
        "placed_at": order["placed_at"], "workflow_id": f"checkout-{order['id']}", "next_action": None,
        "shipments": [], "cancel_reason": None, "version": 2,
    }  # fmt: skip
    assert order["payment_status"] in ("authorized", "captured")
    assert order["number"].startswith("TW-")
    assert order["placed_at"].endswith("Z")
    assert datetime.now(UTC) - datetime.fromisoformat(order["placed_at"]) < timedelta(minutes=1)
    assert response.headers["ETag"]
    at_its_location = await customer.get(f"http://shop.test{response.headers['Location']}")
    assert at_its_location.json() | {"payment_status": ""} == order | {"payment_status": ""}


async def test_the_money_is_taken_once_after_the_reply_and_the_stock_is_sold(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    order = await ordered(customer)
    assert await shop.stock("LAMP") == (3, 0), "sold in the same transaction that confirmed it"
    await captured(customer, order)
    assert [operation for operation, _ in gateway.calls] == ["create", "confirm", "capture"]
    payment = (await customer.get(f"/payments/{order['payment_id']}")).json()
    assert (payment["status"], payment["captured"]) == ("captured", usd(2 * 1999))
    await shop.require_invariants()


async def test_the_workflow_in_the_answer_is_the_orders_own(customer: Caller, shop: Shop, temporal: Client) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer)
    assert order["workflow_id"] == checkout_workflow_id(order["id"])
    checkout = temporal.get_workflow_handle_for(CheckoutWorkflow.run, order["workflow_id"])
    assert (await checkout.result()).status == "confirmed"


async def test_an_order_takes_its_lines_out_of_the_cart_and_only_those(
    customer: Caller, shop: Shop, temporal: Client, gateway: FakePayments
) -> None:
    for sku in ("LAMP", "VASE", "DESK"):
        await shop.product(sku)
    await add(customer, "LAMP", 2)
    await add(customer, "VASE", 1)
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    assert await cart_of(customer) == {"LAMP": 2, "VASE": 1}, "the bank has not said yes yet"
    await add(customer, "LAMP", 1)
    await add(customer, "DESK", 1)
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=True)
    checkout = temporal.get_workflow_handle_for(CheckoutWorkflow.run, order["workflow_id"])
    await checkout.signal(CheckoutWorkflow.payment_news)
    await checkout.result()
    assert await cart_of(customer) == {"LAMP": 1, "DESK": 1}


async def test_what_is_left_in_the_cart_makes_an_order_of_its_own(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("VASE")
    for sku in ("LAMP", "VASE"):
        await add(customer, sku)
        order = await ordered(customer)
        assert [line["sku"] for line in order["lines"]] == [sku]
    assert await cart_of(customer) == {}


async def test_the_price_that_is_paid_is_todays(customer: Caller, shop: Shop, database: Database) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP", 2)
    async with database.transaction() as session:
        await session.execute(update(Variant).where(col(Variant.sku) == "LAMP").values(price=1100))
    order = await ordered(customer)
    assert order["totals"]["total"] == usd(2200)
    assert order["lines"][0]["unit_price"] == usd(1100)


async def test_an_order_keeps_the_price_and_the_name_that_it_was_placed_with(
    customer: Caller, shop: Shop, database: Database
) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP")
    order = await ordered(customer)
    async with database.transaction() as session:
        await session.execute(update(Variant).where(col(Variant.sku) == "LAMP").values(price=9999))
    assert (await customer.get(f"/orders/{order['id']}")).json()["lines"] == order["lines"]


async def test_3d_secure_answers_with_where_the_bank_wants_the_shopper(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    assert (order["status"], order["payment_status"]) == ("pending_payment", "requires_action")
    assert order["next_action"] == {"type": "redirect", "url": f"http://bank.test/pi_{UUID(order['id']).hex}"}
    assert await shop.stock("LAMP") == (5, 2)
    assert gateway.count("capture") == 0


async def test_two_orders_of_one_customer_have_numbers_and_ids_of_their_own(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    orders = []
    for _ in range(2):
        await add(customer, "LAMP")
        orders.append(await ordered(customer))
    assert len({order["id"] for order in orders}) == len({order["number"] for order in orders}) == 2


async def test_of_two_customers_who_want_the_last_unit_one_gets_it(
    customer: Caller, stranger: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAST", stock=1)
    for caller in (customer, stranger):
        await add(caller, "LAST")
    answers = await asyncio.gather(*(check_out(caller, CARD) for caller in (customer, stranger)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 201
    assert refused(lost, 409, "out-of-stock")["lines"] == [{"sku": "LAST", "requested": 1, "available": 0}]
    assert await shop.stock("LAST") == (0, 0)
    assert gateway.count("confirm") == 1
