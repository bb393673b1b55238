"""Input that gets past a first look: NUL characters, numbers and dates out of all bounds, digits that are none."""

import base64
import json
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.orders import PaymentMethod
from tests.api.conftest import Caller
from tests.api.fulfilling import SHIPMENT
from tests.api.shopping import ADDRESS, CARD, add, check_out, fields_of, keyed, orders_of, refused
from tests.builders import Shop


@pytest.mark.parametrize("path", ["/products/a%00b", "/products?brand=a%00b", "/products?category=%00"])
async def test_a_nul_character_in_a_path_or_a_query_is_refused(anonymous: Caller, path: str) -> None:
    refused(await anonymous.get(path), 422, "validation-failed")


async def test_a_nul_character_in_a_body_is_refused(anonymous: Caller, customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    login = {"email": "a\0@example.com", "password": "analytical engine"}
    refused(await anonymous.post("/auth/login", json=login), 422, "validation-failed")
    refused(await customer.post("/carts/items", json={"sku": "LA\0MP", "quantity": 1}), 422, "validation-failed")
    for change in ({"notes": "a\0b"}, {"shipping_address": ADDRESS | {"line1": "a\0b"}}):
        refused(await check_out(customer, CARD | change), 422, "validation-failed")
    assert await orders_of(customer) == []


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "\x7f"])
async def test_a_name_with_control_characters_is_refused(anonymous: Caller, name: str) -> None:
    body = {"email": "ada@example.com", "password": "analytical engine", "full_name": name}
    problem = refused(await anonymous.post("/auth/register", json=body), 422, "validation-failed")
    assert fields_of(problem) == {"body.full_name"}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
async def test_a_cursor_out_of_all_time_is_refused(anonymous: Caller, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps([moment, str(uuid4())])).decode().rstrip("=")
    refused(await anonymous.get("/products", params={"cursor": cursor}), 422, "invalid-cursor")


@pytest.mark.parametrize("etag", ['"²"', '"' + "9" * 5000 + '"'])
async def test_an_if_match_of_digits_that_are_no_version_matches_nothing(
    customer: Caller, shop: Shop, etag: str
) -> None:
    await shop.product("LAMP")
    headers = [(b"If-Match", etag.encode("latin-1"))]
    refused(await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1}, headers=headers), 412, "stale")


@pytest.mark.parametrize("length", ["²", "9" * 5000])
async def test_a_content_length_out_of_all_bounds_breaks_nothing(anonymous: Caller, length: str) -> None:
    headers = [(b"Content-Length", length.encode("latin-1")), (b"Content-Type", b"application/json")]
    answer = await anonymous.post("/auth/login", content=b"{}", headers=headers)
    assert answer.status_code in (413, 422)


async def test_a_total_in_a_currency_that_is_none_is_refused(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    answer = await check_out(customer, expected_total={"amount": 1999, "currency": "QQQ"})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.expected_total.currency"}


async def test_a_card_number_is_refused_however_it_is_grouped(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    answer = await check_out(customer, payment_token="4242_4242_4242_4242")
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.payment_token"}


async def test_a_body_of_a_thousand_mistakes_is_not_answered_with_a_thousand_lines(customer: Caller) -> None:
    body: dict[str, Any] = {f"field{number}": number for number in range(1000)}
    problem = refused(await customer.post("/carts/items", json=body), 422, "validation-failed")
    assert len(problem["errors"]) == 50


async def test_a_cod_order_that_is_only_asked_for_says_what_it_will_be(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, user_id=customer.user_id, method=PaymentMethod.COD)
    asked = await customer.get(f"/orders/{order_id}")
    assert (asked.status_code, asked.json()["status"]) == (202, "pending_confirmation")


@pytest.mark.parametrize("odd", ["7", True, 7.5])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/payments/{id}/refunds", {"amount": {"amount": ..., "currency": "USD"}, "reason": "x"}, "amount.amount"),
        ("/orders/{id}/ship", SHIPMENT | {"lines": [{"sku": "LAMP", "quantity": ...}]}, "lines.0.quantity"),
        ("/orders/{id}/returns", {"lines": [{"sku": "LAMP", "quantity": ...}], "reason": "x"}, "lines.0.quantity"),
        ("/orders/{id}/extend-hold", {"minutes": ..., "reason": "x"}, "minutes"),
    ],
)
async def test_a_number_is_a_number_and_nothing_that_could_be_read_as_one(
    staff: Caller, path: str, body: dict[str, Any], field: str, odd: object
) -> None:
    sent = json.loads(json.dumps(body, default=lambda _: odd))
    answer = await staff.post(path.format(id=uuid4()), json=sent, headers=keyed())
    assert fields_of(refused(answer, 422, "validation-failed")) == {f"body.{field}"}


async def test_no_is_not_read_as_false(staff: Caller) -> None:
    answer = await staff.post(f"/returns/{uuid4()}/receive", json={"restock": "no"})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.restock"}
