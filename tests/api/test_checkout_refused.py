"""Checkouts that the world refuses: everything is undone, the cart is kept, and another try may succeed."""

from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.database import Database
from models.catalogue import Product, Variant
from models.inventory import Stock
from tests.api.conftest import Caller
from tests.api.shopping import COD, DECLINED, add, cart_of, check_out, ordered, orders_of, refused, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (DECLINED, "payment-declined"),
        (f"{DECLINED}InsufficientFunds", "payment-declined"),
        ("pm_nobody", "payment-token-unknown"),
    ],
)
async def test_a_refused_card_leaves_a_cancelled_order_the_stock_and_the_cart(
    customer: Caller, shop: Shop, gateway: FakePayments, token: str, code: str
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    refused(await check_out(customer, payment_token=token), 402, code)
    [order] = await orders_of(customer)
    assert (order["status"], order["cancel_reason"], order["next_action"]) == ("cancelled", code, None)
    assert await shop.stock("LAMP") == (5, 0), "by the time of the reply"
    assert await cart_of(customer) == {"LAMP": 2}
    assert gateway.count("capture") == 0
    await shop.require_invariants()


async def test_after_a_declined_card_another_key_pays(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    refused(await check_out(customer, payment_token=DECLINED), 402, "payment-declined")
    order = await ordered(customer)
    assert order["status"] == "confirmed"
    assert [found["status"] for found in await orders_of(customer)] == ["confirmed", "cancelled"]
    assert await shop.stock("LAMP") == (3, 0)
    assert await cart_of(customer) == {}


async def test_a_declined_card_tells_why_and_names_no_card(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    answer = await check_out(customer, payment_token=DECLINED)
    assert refused(answer, 402, "payment-declined")["decline_code"] == "generic_decline"
    assert DECLINED not in answer.text


@pytest.mark.spoils_books
async def test_a_cart_beyond_the_stock_is_refused_line_by_line_and_starts_nothing(
    customer: Caller, shop: Shop, database: Database, gateway: FakePayments
) -> None:
    for sku in ("LAMP", "VASE", "DESK"):
        await shop.product(sku, stock=5)
        await add(customer, sku, 3)
    async with database.transaction() as session:
        await session.execute(update(Stock).where(col(Stock.sku) != "VASE").values(on_hand=2))
    key = uuid4().hex
    problem = refused(await check_out(customer, key=key), 409, "out-of-stock")
    assert problem["lines"] == [
        {"sku": "LAMP", "requested": 3, "available": 2},
        {"sku": "DESK", "requested": 3, "available": 2},
    ]
    assert (await orders_of(customer), gateway.calls) == ([], [])
    assert await cart_of(customer) == {"LAMP": 3, "VASE": 3, "DESK": 3}
    async with database.transaction() as session:
        await session.execute(update(Stock).values(on_hand=9))
    retried = await check_out(customer, key=key)
    assert retried.status_code == 201, "a refusal that starts nothing does not use the key up"
    assert "Idempotent-Replayed" not in retried.headers


async def test_what_is_no_longer_sold_is_out_of_stock(customer: Caller, shop: Shop, database: Database) -> None:
    lamp = await shop.product("LAMP")
    await add(customer, "LAMP")
    async with database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == lamp).values(status="archived"))
    problem = refused(await check_out(customer), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 1, "available": 0}]


async def test_a_total_that_no_longer_holds_is_told_and_uses_no_key_up(
    customer: Caller, shop: Shop, database: Database
) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP", 2)
    async with database.transaction() as session:
        await session.execute(update(Variant).where(col(Variant.sku) == "LAMP").values(price=1100))
    key = uuid4().hex
    problem = refused(await check_out(customer, key=key, expected_total=usd(2000)), 409, "price-changed")
    assert (problem["expected_total"], problem["total"]) == (usd(2000), usd(2200))
    assert await orders_of(customer) == []
    assert (await check_out(customer, key=key, expected_total=usd(2200))).status_code == 201


async def test_a_total_in_another_currency_does_not_hold(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP")
    other = {"amount": 1000, "currency": "EUR"}
    refused(await check_out(customer, expected_total=other), 409, "price-changed")


@pytest.mark.parametrize("opened", [False, True])
async def test_an_empty_cart_makes_no_order_and_uses_no_key_up(customer: Caller, shop: Shop, opened: bool) -> None:
    await shop.product("LAMP")
    if opened:
        await customer.post("/carts")
    key = uuid4().hex
    refused(await check_out(customer, COD, key=key), 422, "cart-empty")
    await add(customer, "LAMP")
    assert (await check_out(customer, COD, key=key)).status_code == 201


async def test_a_cart_that_was_emptied_again_is_empty_and_not_ordered(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    await ordered(customer, COD)
    await add(customer, "LAMP")
    await customer.delete("/carts/items/LAMP")
    refused(await check_out(customer, COD), 422, "cart-empty")


async def test_somebody_elses_cart_is_not_ordered(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    refused(await check_out(stranger, COD), 422, "cart-empty")
    assert await cart_of(customer) == {"LAMP": 1}
