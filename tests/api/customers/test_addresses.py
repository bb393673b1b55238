"""The address book over HTTP: checked by country, one default, nobody else's."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, fields_of, keyed, refused
from tests.builders import Shop

BOOK = "/customers/me/addresses"
LONDON = {"full_name": "Ada King", "line1": "12 St James's Square", "city": "London", "postal_code": "sw1y4jh",
          "country": "GB", "phone": "020 7946 0018"}  # fmt: skip


async def added(caller: Caller, body: dict[str, Any] = ADDRESS, **changes: Any) -> dict[str, Any]:
    answer = await caller.post(BOOK, json=body | changes)
    assert answer.status_code == 201, answer.text
    address: dict[str, Any] = answer.json()
    return address


async def book(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    answer = await caller.get(BOOK, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_an_address_is_added_read_replaced_changed_and_removed(customer: Caller) -> None:
    address = await added(customer)
    assert address | {"id": "", "created_at": ""} == ADDRESS | {
        "line2": None, "phone": None, "is_default": True, "id": "", "created_at": "",
    }  # fmt: skip
    path = f"{BOOK}/{address['id']}"
    read = await customer.get(path)
    assert (read.json(), "ETag" in read.headers) == (address, True)
    replaced = await customer.put(path, json=LONDON)
    assert replaced.status_code == 200
    assert (replaced.json()["postal_code"], replaced.json()["phone"]) == ("SW1Y 4JH", "+442079460018")
    assert (replaced.json()["region"], replaced.json()["is_default"]) == (None, True)
    changed = await customer.patch(path, json={"line2": "Second floor"})
    assert changed.json() == replaced.json() | {"line2": "Second floor"}
    assert (await customer.patch(path, json={"line2": None, "phone": None})).json()["line2"] is None
    assert (await customer.delete(path)).status_code == 204
    refused(await customer.get(path), 404, "not-found")
    refused(await customer.delete(path), 404, "not-found")
    assert await book(customer) == []


async def test_the_default_moves_and_passes_on(customer: Caller) -> None:
    first, second, third = [await added(customer, line1=f"{number} Way") for number in range(3)]

    async def default() -> list[str]:
        return [address["id"] for address in await book(customer) if address["is_default"]]

    assert await default() == [first["id"]]
    await customer.patch(f"{BOOK}/{second['id']}", json={"is_default": True})
    assert await default() == [second["id"]]
    await customer.put(f"{BOOK}/{second['id']}", json=LONDON)
    assert await default() == [second["id"]], "it stays until another is named"
    await customer.delete(f"{BOOK}/{second['id']}")
    assert await default() == [third["id"]]
    fourth = await added(customer, is_default=True)
    assert await default() == [fourth["id"]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "GB"}, "postal_code"),
        ({"postal_code": None}, "postal_code"),
        ({"region": "Ontario"}, "region"),
        ({"city": None}, "city"),
        ({"line1": " "}, "line1"),
        ({"phone": "12345"}, "phone"),
        ({"country": "XX"}, "country"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"user_id": "me"}, "user_id"),
        ({"id": "me"}, "id"),
        ({"is_default": "perhaps"}, "is_default"),
    ],
    ids=str,
)
async def test_what_would_be_no_address_is_refused_by_its_field_however_it_comes(
    customer: Caller, change: dict[str, Any], field: str
) -> None:
    address = await added(customer)
    path = f"{BOOK}/{address['id']}"
    for answer in (
        await customer.post(BOOK, json=ADDRESS | change),
        await customer.put(path, json=ADDRESS | change),
        await customer.patch(path, json=change),
    ):
        assert fields_of(refused(answer, 422, "validation-failed")) == {f"body.{field}"}
    assert await book(customer) == [address]


async def test_a_country_without_postal_codes_needs_none_and_another_does(customer: Caller) -> None:
    hong_kong = {"full_name": "Ada King", "line1": "1 Peak Road", "city": "Hong Kong", "country": "HK"}
    assert (await added(customer, hong_kong))["postal_code"] == ""
    assert (await added(customer, hong_kong, postal_code=""))["postal_code"] == ""
    answer = await customer.post(BOOK, json=hong_kong | {"country": "DE"})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.postal_code"}


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"region": "oregon"}, {"region": "OR"}),
        ({"region": "US-OR"}, {"region": "OR"}),
        ({"region": None}, {"region": None}),
        ({"country": "DE", "region": "Bayern", "postal_code": "80331"}, {"region": "Bayern"}),
        ({"region": "AE", "city": "APO"}, {"region": "AE"}),
        ({"country": "BR", "region": "SAO PAULO", "postal_code": "01310100"}, {"region": "SP"}),
        ({"country": "CA", "region": "Quebec", "postal_code": "h2y1c6"}, {"region": "QC", "postal_code": "H2Y 1C6"}),
        ({"phone": "(503) 555-0100"}, {"phone": "+15035550100"}),
        ({"phone": "+49 30 123456"}, {"phone": "+4930123456"}),
    ],
    ids=str,
)  # fmt: skip
async def test_an_address_is_kept_as_its_country_writes_it(
    customer: Caller, change: dict[str, Any], written: dict[str, Any]
) -> None:
    address = await added(customer, **change)
    assert {name: address[name] for name in written} == written


async def test_anothers_address_is_not_there(customer: Caller, stranger: Caller, staff: Caller) -> None:
    hers = await added(customer)
    for other in (stranger, staff):
        for path in (f"{BOOK}/{hers['id']}", f"{BOOK}/{uuid4()}"):
            refused(await other.get(path), 404, "not-found")
            refused(await other.put(path, json=LONDON), 404, "not-found")
            refused(await other.patch(path, json={"city": "Salem"}), 404, "not-found")
            refused(await other.delete(path), 404, "not-found")
        assert await book(other) == []
    assert await book(customer) == [hers]


async def test_a_key_adds_one_address_and_shows_it_as_it_stands(customer: Caller) -> None:
    headers = keyed()
    first = await customer.post(BOOK, json=LONDON, headers=headers)
    await customer.patch(f"{BOOK}/{first.json()['id']}", json={"city": "Westminster"})
    again = await customer.post(BOOK, json=LONDON, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json() | {"city": "Westminster"}
    refused(await customer.post(BOOK, json=ADDRESS, headers=headers), 422, "idempotency-key-reused")
    assert len(await book(customer)) == 1
    await customer.delete(f"{BOOK}/{first.json()['id']}")
    refused(await customer.post(BOOK, json=LONDON, headers=headers), 404, "not-found")
    assert await book(customer) == []


async def test_the_same_key_many_times_at_once_adds_one_address(customer: Caller) -> None:
    headers = keyed()
    answers = await asyncio.gather(*(customer.post(BOOK, json=LONDON, headers=headers) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == len(await book(customer)) == 1


async def test_a_full_book_says_so(customer: Caller, shop: Shop) -> None:
    await added(customer)
    await shop.rows(
        "INSERT INTO addresses (user_id, full_name, line1, city, postal_code, country, is_default) "
        "SELECT user_id, full_name, line1, city, postal_code, country, false FROM addresses, generate_series(1, 49)"
    )
    refused(await customer.post(BOOK, json=ADDRESS), 409, "too-many-addresses")


async def test_walking_the_cursors_shows_each_address_once_the_newest_first(customer: Caller) -> None:
    ids = [(await added(customer, line1=f"{number} Way"))["id"] for number in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await customer.get(BOOK, params=query)).json()
        seen += [address["id"] for address in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ids[::-1]
