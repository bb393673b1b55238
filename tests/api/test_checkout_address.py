"""Checking out to an address of one's book: as it reads at the click, and never another's."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, add, cart_of, fields_of, keyed, orders_of, refused
from tests.builders import Shop

BOOK = "/customers/me/addresses"


@pytest.fixture(autouse=True)
async def filled(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")


async def address_of(caller: Caller) -> dict[str, Any]:
    address: dict[str, Any] = (await caller.post(BOOK, json=ADDRESS | {"phone": "503 555 0100"})).json()
    return address


def cod(address_id: Any) -> dict[str, Any]:
    return {"payment_method": "cod", "shipping_address_id": address_id}


@pytest.mark.usefixtures("worker")
async def test_an_order_goes_to_the_address_as_it_was_at_the_click(customer: Caller) -> None:
    address, headers = await address_of(customer), keyed()
    first = await customer.post("/orders/checkout", json=cod(address["id"]), headers=headers)
    assert first.status_code == 201, first.text
    kept = {name: value for name, value in address.items() if name not in ("id", "is_default", "created_at")}
    assert first.json()["shipping_address"] == kept
    await customer.patch(f"{BOOK}/{address['id']}", json={"city": "Salem"})
    again = await customer.post("/orders/checkout", json=cod(address["id"]), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    await customer.delete(f"{BOOK}/{address['id']}")
    gone = await customer.post("/orders/checkout", json=cod(address["id"]), headers=headers)
    assert (gone.status_code, gone.json()["id"]) == (201, first.json()["id"]), "the same click is the same order"
    other = await customer.post("/orders/checkout", json=cod(str(uuid4())), headers=headers)
    refused(other, 422, "idempotency-key-reused")


async def test_anothers_address_and_none_at_all_start_nothing_and_use_no_key_up(
    customer: Caller, stranger: Caller, worker: object
) -> None:
    headers = keyed()
    for address_id in ((await address_of(stranger))["id"], str(uuid4())):
        refused(await customer.post("/orders/checkout", json=cod(address_id), headers=headers), 404, "not-found")
    assert await orders_of(customer) == []
    assert await cart_of(customer) == {"LAMP": 1}
    mine = (await address_of(customer))["id"]
    assert (await customer.post("/orders/checkout", json=cod(mine), headers=headers)).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shipping_address": ADDRESS}, "shipping_address"),
        ({"shipping_address_id": None}, "shipping_address"),
        ({"shipping_address_id": "mine"}, "shipping_address_id"),
        ({"shipping_address_id": None, "shipping_address": None}, "shipping_address"),
    ],
    ids=str,
)
async def test_a_checkout_has_one_address(customer: Caller, change: dict[str, Any], field: str) -> None:
    answer = await customer.post("/orders/checkout", json=cod(str(uuid4())) | change, headers=keyed())
    assert fields_of(refused(answer, 422, "validation-failed")) == {f"body.{field}"}
