"""The same click, however often it is sent, makes one order; and one cart makes one order, whatever the keys."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.database import Database
from models.inventory import Stock
from tests.api.conftest import Caller
from tests.api.shopping import (
    ADDRESS,
    CARD,
    COD,
    DECLINED,
    add,
    cart_of,
    check_out,
    keyed,
    ordered,
    orders_of,
    refused,
)
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker")


async def test_the_same_key_and_body_meet_the_same_order_and_the_replay_says_so(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    first = await check_out(customer, key=key)
    again = await check_out(customer, key=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert gateway.count("create") == 1
    assert len(await orders_of(customer)) == 1


async def test_a_body_that_means_the_same_is_the_same(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    first = await check_out(customer, key=key)
    spelt_out: dict[str, Any] = dict(reversed(CARD.items())) | {
        "notes": None,
        "shipping_address": {**dict(reversed(ADDRESS.items())), "line2": None, "city": "  Portland "},
    }
    again = await customer.post("/orders/checkout", json=spelt_out, headers=keyed(key))
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


@pytest.mark.parametrize(
    "other",
    [COD, CARD | {"payment_token": "pm_card_other"}, CARD | {"notes": "quickly"}],
    ids=["method", "token", "notes"],
)
async def test_the_same_key_with_another_body_is_refused_for_good(
    customer: Caller, shop: Shop, other: dict[str, object]
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    first = await check_out(customer, key=key)
    for _ in range(2):
        refused(await check_out(customer, other, key=key), 422, "idempotency-key-reused")
    assert (await check_out(customer, key=key)).json()["id"] == first.json()["id"]


@pytest.mark.parametrize("body", [CARD, COD], ids=["card", "cod"])
async def test_twenty_identical_clicks_at_once_make_one_order_and_one_charge(
    customer: Caller, shop: Shop, gateway: FakePayments, body: dict[str, object]
) -> None:
    await shop.product("LAMP", stock=50)
    await add(customer, "LAMP", 2)
    key = uuid4().hex
    answers = await asyncio.gather(*(check_out(customer, body, key=key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await orders_of(customer)) == 1
    assert gateway.count("create") == gateway.count("confirm") == (1 if body is CARD else 0)
    assert sum(await shop.stock("LAMP")) == (48 if body is CARD else 50 + 2), "two units, sold or held, and once"
    assert await cart_of(customer) == {}
    await shop.require_invariants()


async def test_two_keys_for_one_cart_at_once_make_one_order(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    answers = await asyncio.gather(*(check_out(customer) for _ in range(2)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 201
    assert refused(lost, 409, "cart-already-ordered")["order_id"] == won.json()["id"]
    assert len(await orders_of(customer)) == 1
    assert gateway.count("confirm") == 1


async def test_ten_keys_for_one_cart_at_once_make_one_order(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=50)
    await add(customer, "LAMP", 2)
    answers = await asyncio.gather(*(check_out(customer, COD) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert await shop.stock("LAMP") == (50, 2)


async def test_another_key_for_a_cart_that_was_ordered_is_told_by_which_order(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer)
    problem = refused(await check_out(customer), 409, "cart-already-ordered")
    assert problem["order_id"] == order["id"]
    assert len(await orders_of(customer)) == 1


@pytest.mark.spoils_books
async def test_the_key_is_looked_up_before_the_cart_and_the_stock_are_judged(
    customer: Caller, shop: Shop, database: Database
) -> None:
    await shop.product("LAMP", stock=1)
    await add(customer, "LAMP")
    key = uuid4().hex
    first = await check_out(customer, key=key)
    assert await cart_of(customer) == {}
    async with database.transaction() as session:
        await session.execute(update(Stock).where(col(Stock.sku) == "LAMP").values(on_hand=0))
    again = await check_out(customer, key=key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


async def test_the_key_of_a_refused_checkout_tells_the_refusal_again(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    refused(await check_out(customer, key=key, payment_token=DECLINED), 402, "payment-declined")
    again = await check_out(customer, key=key, payment_token=DECLINED)
    problem = refused(again, 402, "payment-declined")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert problem["decline_code"] == "generic_decline"
    assert len(await orders_of(customer)) == 1


async def test_a_key_belongs_to_its_caller(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    key = uuid4().hex
    ids = set()
    for caller in (customer, stranger):
        await add(caller, "LAMP")
        response = await check_out(caller, key=key)
        assert (response.status_code, "Idempotent-Replayed" in response.headers) == (201, False)
        ids.add(response.json()["id"])
    assert len(ids) == 2


async def test_a_replay_under_the_path_without_a_version_meets_the_same_order(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    first = await check_out(customer, key=key)
    again = await customer.post("http://shop.test/api/orders/checkout", json=CARD, headers=keyed(key))
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["Location"] == f"/api/orders/{first.json()['id']}"
