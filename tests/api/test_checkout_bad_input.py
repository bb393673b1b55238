"""Checkouts that are not one: refused by their field, before anything is looked at or started."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, CARD, COD, add, fields_of, orders_of, refused
from tests.builders import Shop

KEY = "0123456789abcdef"
LEFT_OUT = "left out"


def changed(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (body | changes).items() if value is not LEFT_OUT}


async def post(caller: Caller, body: Any, key: str | bytes | None = KEY) -> Any:
    raw = key.encode("latin-1") if isinstance(key, str) else key
    return await caller.post("/orders/checkout", json=body, headers=[] if raw is None else [(b"Idempotency-Key", raw)])


@pytest.fixture(autouse=True)
async def filled(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "us"}, "country"),
        ({"country": "USA"}, "country"),
        ({"country": LEFT_OUT}, "country"),
        ({"line1": LEFT_OUT}, "line1"),
        ({"line1": "   "}, "line1"),
        ({"line1": "x" * 201}, "line1"),
        ({"line2": ""}, "line2"),
        ({"full_name": ""}, "full_name"),
        ({"full_name": 7}, "full_name"),
        ({"city": None}, "city"),
        ({"postal_code": "!"}, "postal_code"),
        ({"postal_code": "97201; DROP"}, "postal_code"),
        ({"postal_code": "1" * 17}, "postal_code"),
        ({"postal_code": LEFT_OUT}, "postal_code"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "555 2671"}, "phone"),
        ({"postal_code": "972"}, "postal_code"),
        ({"country": "GB"}, "postal_code"),
        ({"region": "ON"}, "region"),
        ({"state": "OR"}, "state"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_address_that_is_not_one_is_refused_by_its_field(
    customer: Caller, change: dict[str, Any], field: str
) -> None:
    body = CARD | {"shipping_address": changed(ADDRESS, change)}
    problem = refused(await post(customer, body), 422, "validation-failed")
    assert fields_of(problem) == {f"body.shipping_address.{field}"}
    assert all(error["message"] for error in problem["errors"])
    assert await orders_of(customer) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (changed(CARD, {"payment_method": "cheque"}), "body.payment_method"),
        (changed(CARD, {"payment_method": LEFT_OUT}), "body.payment_method"),
        (changed(CARD, {"payment_token": LEFT_OUT}), "body"),
        (changed(CARD, {"payment_token": None}), "body"),
        (changed(CARD, {"payment_token": "4242424242424242"}), "body.payment_token"),
        (changed(CARD, {"payment_token": "4242 4242 4242 4242"}), "body.payment_token"),
        (changed(CARD, {"payment_token": "4242-4242-4242-4242"}), "body.payment_token"),
        (changed(CARD, {"payment_token": "x" * 256}), "body.payment_token"),
        (changed(CARD, {"payment_token": ""}), "body.payment_token"),
        (changed(COD, {"payment_token": "pm_card_visa"}), "body"),
        (changed(CARD, {"shipping_address": LEFT_OUT}), "body.shipping_address"),
        (changed(CARD, {"shipping_address": "1 Analytical Way"}), "body.shipping_address"),
        (changed(CARD, {"notes": "x" * 1001}), "body.notes"),
        (changed(CARD, {"total": 1}), "body.total"),
        (changed(CARD, {"user_id": KEY}), "body.user_id"),
        (changed(CARD, {"expected_total": 1999}), "body.expected_total"),
        (changed(CARD, {"expected_total": {"amount": -1, "currency": "USD"}}), "body.expected_total.amount"),
        (changed(CARD, {"expected_total": {"amount": 1, "currency": "usd"}}), "body.expected_total.currency"),
        ([], "body"),
        (None, "body"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_body_that_is_no_checkout_is_refused_by_its_field(customer: Caller, body: Any, field: str) -> None:
    problem = refused(await post(customer, body), 422, "validation-failed")
    assert fields_of(problem) == {field}
    assert await orders_of(customer) == []


async def test_a_refused_body_does_not_repeat_what_was_sent(customer: Caller) -> None:
    answer = await post(customer, CARD | {"payment_token": "4242424242424242"})
    refused(answer, 422, "validation-failed")
    assert "4242" not in answer.text


NO_KEYS: dict[str, str | bytes | None] = {
    "missing": None,
    "empty": "",
    "15 characters": "x" * 15,
    "256 characters": "x" * 256,
    "with a tab": "0123456789abcde\t",
    "with a control character": "0123456789\x7fabcdef",
    "in UTF-8": "ключ-ключ-ключ-ключ".encode(),
    "in Latin-1": "é" * 20,
    "of blanks": " " * 20,
}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS.keys())
@pytest.mark.parametrize("path", ["/orders/checkout", "/orders/01a20f58-2e4b-741f-8e7d-678eece5d042/payment-attempts"])
async def test_a_key_that_is_none_is_refused(customer: Caller, key: str | bytes | None, path: str) -> None:
    raw = key.encode("latin-1") if isinstance(key, str) else key
    headers = [] if raw is None else [(b"Idempotency-Key", raw)]
    answer = await customer.post(path, json=CARD, headers=headers)
    refused(answer, 400, "idempotency-key-missing")


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("key", ["x" * 16, "x" * 255, "a key with blanks, 'quotes' and ~"])
async def test_a_key_of_16_to_255_printable_characters_is_one(customer: Caller, key: str) -> None:
    first, again = await post(customer, COD, key), await post(customer, COD, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.usefixtures("worker")
async def test_an_address_is_kept_as_its_country_writes_it_without_the_blanks_around_it(customer: Caller) -> None:
    address = {"country": "GB", "city": " Zürich ", "postal_code": " sw1a1aa ", "phone": "020 7946 0018"}
    notes = "zwölf\nBöden 🛗"
    order = (await post(customer, COD | {"shipping_address": ADDRESS | address, "notes": notes})).json()
    kept = {"country": "GB", "city": "Zürich", "postal_code": "SW1A 1AA", "phone": "+442079460018", "line2": None}
    assert order["shipping_address"] == ADDRESS | kept
    assert order["notes"] == notes
