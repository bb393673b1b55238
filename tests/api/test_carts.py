"""Filling a cart: what is in it, what it costs today, and what it cannot hold."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col

from api.dependencies import Resources
from core.database import Database
from models.catalogue import Product, Variant
from models.inventory import Stock
from services.carts import CartStore
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import add, cart_of, fields_of, refused, usd
from tests.builders import Shop


async def test_a_cart_is_opened_once_and_is_empty_then(customer: Caller) -> None:
    opened = await customer.post("/carts")
    assert opened.status_code == 201
    again = await customer.post("/carts")
    assert (again.status_code, again.json()["id"]) == (200, opened.json()["id"])
    cart = opened.json()
    assert set(cart) == {"id", "version", "items", "totals", "problems", "expires_at"}
    assert (cart["items"], cart["problems"]) == ([], [])
    nothing = usd(0)
    assert cart["totals"] == dict.fromkeys(("subtotal", "discount", "shipping", "tax", "total"), nothing)
    left = datetime.fromisoformat(cart["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)


async def test_adding_adds_up_and_the_cart_is_shown_whole(customer: Caller, shop: Shop) -> None:
    product_id = await shop.product("LAMP", price=1250)
    await shop.product("VASE", price=300)
    await add(customer, "LAMP", 2)
    await add(customer, "VASE")
    cart = await add(customer, "LAMP", 3)
    assert [item["sku"] for item in cart["items"]] == ["LAMP", "VASE"], "in the order in which they were added"
    assert cart["items"][0] == {
        "sku": "LAMP", "product_id": str(product_id), "name": "The LAMP", "quantity": 5,
        "unit_price": usd(1250), "line_total": usd(6250), "available": 10, "problems": [],
    }  # fmt: skip
    assert cart["totals"]["total"] == usd(6550)
    assert cart == (await customer.get("/carts/current")).json()


async def test_each_customer_has_a_cart_of_their_own(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    assert await cart_of(stranger) == {}


async def test_twenty_additions_at_once_lose_none(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=100)
    await asyncio.gather(*(add(customer, "LAMP", 2) for _ in range(20)))
    assert await cart_of(customer) == {"LAMP": 40}


async def test_additions_at_once_never_take_a_line_beyond_the_stock(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=7)
    added = await asyncio.gather(
        *(customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1}) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in added) == [200] * 7 + [409] * 5
    assert await cart_of(customer) == {"LAMP": 7}


async def test_the_price_in_a_cart_is_todays(customer: Caller, shop: Shop, database: Database) -> None:
    await shop.product("LAMP", price=1000)
    await add(customer, "LAMP", 2)
    async with database.transaction() as session:
        await session.execute(update(Variant).where(col(Variant.sku) == "LAMP").values(price=1100))
    cart = (await customer.get("/carts/current")).json()
    assert (cart["items"][0]["unit_price"], cart["totals"]["total"]) == (usd(1100), usd(2200))


@pytest.mark.spoils_books
async def test_a_line_says_when_its_stock_fell_below_it_or_it_is_no_longer_sold(
    customer: Caller, shop: Shop, database: Database
) -> None:
    lamp = await shop.product("LAMP", price=1000)
    await shop.product("VASE", price=50)
    await add(customer, "LAMP", 2)
    await add(customer, "VASE", 5)
    async with database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == lamp).values(status="archived"))
        await session.execute(update(Stock).where(col(Stock.sku) == "VASE").values(on_hand=4))
    cart = (await customer.get("/carts/current")).json()
    assert [[problem["code"] for problem in item["problems"]] for item in cart["items"]] == [
        ["no-longer-sold"],
        ["out-of-stock"],
    ]
    assert [item["available"] for item in cart["items"]] == [0, 4]
    assert len(cart["problems"]) == 2
    assert cart["totals"]["total"] == usd(250), "what is no longer sold costs nothing"


@pytest.mark.parametrize("quantity", [0, -1, 1000, 10_000, "2", 2.0, 1.5, True, None, [1], 2**70])
async def test_a_quantity_that_is_not_1_to_999_is_refused(customer: Caller, shop: Shop, quantity: Any) -> None:
    await shop.product("LAMP", stock=20_000)
    await add(customer, "LAMP")
    answer = await customer.post("/carts/items", json={"sku": "LAMP", "quantity": quantity})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.quantity"}
    answer = await customer.patch("/carts/items/LAMP", json={"quantity": quantity})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.quantity"}
    assert await cart_of(customer) == {"LAMP": 1}


async def test_a_line_does_not_grow_beyond_999(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=2000)
    await add(customer, "LAMP", 999)
    answer = await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1})
    refused(answer, 422, "quantity-out-of-range")
    assert await cart_of(customer) == {"LAMP": 999}


@pytest.mark.parametrize("sku", ["NOPE", "lamp", "LAMP'; --", "💡", "*"])
async def test_an_unknown_sku_is_not_found(customer: Caller, shop: Shop, sku: str) -> None:
    await shop.product("LAMP")
    refused(await customer.post("/carts/items", json={"sku": sku, "quantity": 1}), 404, "not-found")
    refused(await customer.patch(f"/carts/items/{sku}", json={"quantity": 1}), 404, "not-found")
    assert await cart_of(customer) == {}


async def test_a_product_that_is_not_active_cannot_be_added(customer: Caller, shop: Shop) -> None:
    await shop.product("SECRET", status="draft")
    refused(await customer.post("/carts/items", json={"sku": "SECRET", "quantity": 1}), 404, "not-found")


@pytest.mark.parametrize("body", [{}, {"sku": "LAMP"}, {"quantity": 1}, {"sku": "", "quantity": 1}, [], None, "x"])
async def test_a_body_that_is_no_line_is_refused(customer: Caller, body: Any) -> None:
    refused(await customer.post("/carts/items", json=body), 422, "validation-failed")


async def test_an_unknown_field_is_refused_by_its_name(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    answer = await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1, "unit_price": 1})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.unit_price"}
    assert await cart_of(customer) == {}


async def test_more_than_there_is_is_refused_with_what_is_left(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 3)
    answer = await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 3})
    problem = refused(answer, 409, "out-of-stock")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 6, "available": 5}]
    problem = refused(await customer.patch("/carts/items/LAMP", json={"quantity": 6}), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 6, "available": 5}]
    assert await cart_of(customer) == {"LAMP": 3}


async def test_a_cart_holds_one_currency(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", currency="USD")
    await shop.product("LAMPE", currency="EUR")
    await add(customer, "LAMP")
    refused(await customer.post("/carts/items", json={"sku": "LAMPE", "quantity": 1}), 422, "currency-mismatch")
    await customer.delete("/carts/items/LAMP")
    cart = await add(customer, "LAMPE")
    assert cart["totals"]["total"] == {"amount": 1999, "currency": "EUR"}


ODD_SKUS = ["LA MP", "LÄMP", "q:LAMP", "p:x", "id", "version", "{a}", "'; DROP TABLE users", "%2F", "*", "☃" * 64]


@pytest.mark.parametrize("sku", ODD_SKUS)
async def test_a_sku_may_be_any_text_in_the_body_and_in_the_path(customer: Caller, shop: Shop, sku: str) -> None:
    await shop.product(sku)
    path = f"/carts/items/{quote(sku, safe='')}"
    cart = await add(customer, sku, 2)
    assert [item["sku"] for item in cart["items"]] == [sku]
    assert (await customer.patch(path, json={"quantity": 3})).json()["items"][0]["quantity"] == 3
    assert (await customer.delete(path)).json()["items"] == []


async def test_a_sku_that_is_too_long_is_refused(customer: Caller) -> None:
    path = f"/carts/items/{'x' * 65}"
    refused(await customer.post("/carts/items", json={"sku": "x" * 65, "quantity": 1}), 422, "validation-failed")
    refused(await customer.patch(path, json={"quantity": 1}), 422, "validation-failed")
    refused(await customer.delete(path), 422, "validation-failed")


async def test_a_cart_has_a_limit_of_lines(customer: Caller, shop: Shop, app: FastAPI, resources: Resources) -> None:
    few = resources.settings.model_copy(update={"max_cart_lines": 2})
    app.state.resources = replace(resources, carts=CartStore.from_settings(resources.redis, few))
    for sku in ("LAMP", "VASE", "DESK"):
        await shop.product(sku)
    await add(customer, "LAMP")
    await add(customer, "VASE")
    refused(await customer.post("/carts/items", json={"sku": "DESK", "quantity": 1}), 422, "too-many-lines")
    await add(customer, "VASE")
    assert await cart_of(customer) == {"LAMP": 1, "VASE": 2}


async def test_a_machine_has_no_cart(sign_in: SignIn, anonymous: Caller) -> None:
    body = {"name": "erp", "permissions": ["inventory:read"]}
    made = await (await sign_in("admin")).post("/api-keys", json=body)
    anonymous.headers["Authorization"] = f"Bearer {made.json()['key']}"
    refused(await anonymous.get("/carts/current"), 403, "forbidden")
    refused(await anonymous.post("/carts/merge", json={"cart_token": "x"}), 403, "forbidden")


@pytest.mark.parametrize("sku", ["a%00b", "%00", "%ED%A0%80", "%FF", "%2E%2E", "%20", "{sku}", "*"])
async def test_a_path_that_is_no_sku_of_the_cart_changes_nothing(customer: Caller, shop: Shop, sku: str) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    for answer in (
        await customer.patch(f"/carts/items/{sku}", json={"quantity": 2}),
        await customer.delete(f"/carts/items/{sku}"),
    ):
        assert answer.status_code in (404, 422), answer.text
        refused(answer, answer.status_code, answer.json()["code"])
    assert await cart_of(customer) == {"LAMP": 1}
