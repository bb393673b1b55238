"""Reading orders: one's own, all of them for staff, page by page, and what happened to each."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from core.database import Database
from tests.api.conftest import Caller
from tests.api.shopping import orders_of, refused
from tests.builders import Shop
from tests.queries import counted_queries


@pytest.fixture(autouse=True)
async def lamp(shop: Shop) -> None:
    await shop.product("LAMP", stock=100)


async def orders(shop: Shop, caller: Caller, count: int) -> list[str]:
    """Their ids, oldest first."""
    return [str(await shop.confirmed({"LAMP": 1}, user_id=caller.user_id)) for _ in range(count)]


async def test_customers_see_their_own_orders_the_newest_first_and_staff_all(
    customer: Caller, stranger: Caller, staff: Caller, shop: Shop
) -> None:
    mine, theirs = await orders(shop, customer, 3), await orders(shop, stranger, 1)
    assert [order["id"] for order in await orders_of(customer)] == mine[::-1]
    assert [order["id"] for order in await orders_of(stranger)] == theirs
    assert [order["id"] for order in await orders_of(staff)] == theirs + mine[::-1]


async def test_the_second_list_answers_as_the_first(customer: Caller, shop: Shop) -> None:
    await orders(shop, customer, 2)
    assert await orders_of(customer) == await orders_of(customer) != []


async def test_an_order_is_the_same_in_the_list_and_alone(customer: Caller, shop: Shop) -> None:
    [order_id] = await orders(shop, customer, 1)
    alone = await customer.get(f"/orders/{order_id}")
    assert alone.status_code == 200
    assert alone.headers["ETag"].strip('"').isalnum()
    assert await orders_of(customer) == [alone.json()]


@pytest.mark.parametrize("limit", [1, 2, 5, 7])
async def test_walking_the_cursors_shows_each_order_once(customer: Caller, shop: Shop, limit: int) -> None:
    ids = await orders(shop, customer, 5)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = (await customer.get("/orders", params=query)).json()
        seen += [order["id"] for order in page["items"]]
        await orders(shop, customer, 1)
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ids[::-1]


async def test_a_cursor_of_anothers_list_shows_nothing_of_theirs(
    customer: Caller, stranger: Caller, shop: Shop
) -> None:
    await orders(shop, stranger, 3)
    cursor = (await stranger.get("/orders", params={"limit": 1})).json()["next_cursor"]
    assert await orders_of(customer, cursor=cursor) == []


async def test_a_status_narrows_the_list(customer: Caller, staff: Caller, shop: Shop) -> None:
    [confirmed] = await orders(shop, customer, 1)
    cancelled = str(await shop.cancelled({"LAMP": 1}, user_id=customer.user_id))
    for caller in (customer, staff):
        assert [order["id"] for order in await orders_of(caller, status="confirmed")] == [confirmed]
        assert [order["id"] for order in await orders_of(caller, status="cancelled")] == [cancelled]
        assert await orders_of(caller, status="shipped") == []


@pytest.mark.parametrize("query", [{"status": "lost"}, {"limit": "0"}, {"limit": "101"}, {"limit": "x"}])
async def test_a_query_that_is_none_is_refused(customer: Caller, query: dict[str, str]) -> None:
    refused(await customer.get("/orders", params=query), 422, "validation-failed")
    refused(await customer.get("/orders", params={"cursor": "x"}), 422, "invalid-cursor")


async def test_somebody_elses_order_is_not_there_and_staff_see_it(
    customer: Caller, stranger: Caller, staff: Caller, shop: Shop
) -> None:
    [order_id] = await orders(shop, customer, 1)
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/timeline"):
        theirs = refused(await stranger.get(path), 404, "not-found")
        none = refused(await stranger.get(path.replace(order_id, str(uuid4()))), 404, "not-found")
        assert theirs["detail"] == none["detail"], "as if there were none"
        assert (await staff.get(path)).status_code == 200


async def test_an_order_that_is_only_asked_for_is_202_to_its_owner_and_not_there_to_others(
    customer: Caller, stranger: Caller, shop: Shop
) -> None:
    order_id = await shop.request({"LAMP": 1}, user_id=customer.user_id)
    asked = await customer.get(f"/orders/{order_id}")
    assert (asked.status_code, asked.headers["Retry-After"]) == (202, "1")
    assert asked.json() == {
        "id": str(order_id), "status": "pending_payment", "workflow_id": f"checkout-{order_id}",
    }  # fmt: skip
    refused(await stranger.get(f"/orders/{order_id}"), 404, "not-found")
    assert await orders_of(customer) == []


async def test_the_timeline_tells_everything_oldest_first_without_a_gap(customer: Caller, shop: Shop) -> None:
    order_id = await shop.cancelled({"LAMP": 1}, user_id=customer.user_id)
    events = (await customer.get(f"/orders/{order_id}/timeline")).json()["items"]
    assert [(event["seq"], event["kind"], event["to_status"]) for event in events] == [
        (1, "placed", "pending_payment"),
        (2, "cancelled", "cancelled"),
    ]
    assert [set(event) for event in events] == [{"seq", "kind", "from_status", "to_status", "actor", "note", "at"}] * 2


async def test_a_longer_list_asks_the_database_no_more_often(
    customer: Caller, shop: Shop, database: Database, app: Any
) -> None:
    await orders(shop, customer, 2)
    counts = []
    for _ in range(2):
        with counted_queries(app.state.resources.database) as queries:
            await orders_of(customer)
        counts.append(len(queries))
        await orders(shop, customer, 8)
    assert counts[0] == counts[1] <= 3


async def test_many_readers_at_once_see_the_same(customer: Caller, shop: Shop) -> None:
    [order_id] = await orders(shop, customer, 1)
    answers = await asyncio.gather(*(customer.get(f"/orders/{order_id}") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
