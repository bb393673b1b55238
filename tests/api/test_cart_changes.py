"""Changing a cart: versions and If-Match, a key that adds once, taking lines out, and what a change costs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from api.dependencies import Resources
from domain.money import Money
from services.carts import Cart, CartStore, Line, Owner
from tests.api.conftest import Caller
from tests.api.shopping import add, cart_of, keyed, refused, usd
from tests.builders import Shop
from tests.queries import counted_queries

LINE = {"sku": "LAMP", "quantity": 2}


async def test_a_change_goes_through_only_on_the_version_that_was_read(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    etag = (await customer.get("/carts/current")).headers["ETag"]
    changed = await customer.patch("/carts/items/LAMP", json={"quantity": 2}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    stale = {"If-Match": etag}
    refused(await customer.patch("/carts/items/LAMP", json={"quantity": 3}, headers=stale), 412, "stale")
    refused(await customer.post("/carts/items", json=LINE, headers=stale), 412, "stale")
    refused(await customer.delete("/carts/items/LAMP", headers=stale), 412, "stale")
    assert await cart_of(customer) == {"LAMP": 2}


async def test_of_many_changes_to_one_version_one_goes_through(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    headers = {"If-Match": (await customer.get("/carts/current")).headers["ETag"]}
    answers = await asyncio.gather(*(customer.post("/carts/items", json=LINE, headers=headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    assert await cart_of(customer) == {"LAMP": 3}


@pytest.mark.parametrize("etag", ['"x"', "", "-1", '"1.0"', '"1", "2"'])
async def test_an_if_match_that_is_no_etag_of_ours_matches_nothing(customer: Caller, shop: Shop, etag: str) -> None:
    await shop.product("LAMP")
    refused(await customer.post("/carts/items", json=LINE, headers={"If-Match": etag}), 412, "stale")


@pytest.mark.parametrize("etag", ["*", '"1"', 'W/"1"'])
async def test_an_if_match_that_holds_lets_the_change_through(customer: Caller, shop: Shop, etag: str) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    answer = await customer.post("/carts/items", json=LINE, headers={"If-Match": etag})
    assert answer.status_code == 200


async def test_the_same_key_and_body_add_once_and_the_replay_says_so(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    first = await customer.post("/carts/items", json=LINE, headers=headers)
    assert "Idempotent-Replayed" not in first.headers
    await add(customer, "LAMP")
    again = await customer.post("/carts/items", json=LINE, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json()["items"][0]["quantity"] == 3, "the cart as it stands now"


async def test_the_same_key_sent_many_times_at_once_adds_once(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    answers = await asyncio.gather(*(customer.post("/carts/items", json=LINE, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 9
    assert await cart_of(customer) == {"LAMP": 2}


async def test_a_key_with_another_body_is_refused(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    await customer.post("/carts/items", json=LINE, headers=headers)
    other = await customer.post("/carts/items", json=LINE | {"quantity": 3}, headers=headers)
    refused(other, 422, "idempotency-key-reused")
    assert await cart_of(customer) == {"LAMP": 2}


async def test_two_customers_may_use_the_same_key(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    for caller in (customer, stranger):
        answer = await caller.post("/carts/items", json=LINE, headers=headers)
        assert "Idempotent-Replayed" not in answer.headers
        assert await cart_of(caller) == {"LAMP": 2}


async def test_a_refused_addition_does_not_use_its_key_up(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=1)
    headers = keyed()
    refused(await customer.post("/carts/items", json=LINE, headers=headers), 409, "out-of-stock")
    other = await customer.post("/carts/items", json=LINE | {"quantity": 1}, headers=headers)
    assert other.status_code == 200


async def test_a_key_that_is_none_is_refused_where_it_is_optional_too(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    refused(await customer.post("/carts/items", json=LINE, headers=keyed("short")), 400, "idempotency-key-missing")


async def test_a_line_is_set_and_taken_out(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("VASE")
    await add(customer, "LAMP", 5)
    await add(customer, "VASE", 1)
    await customer.patch("/carts/items/LAMP", json={"quantity": 2})
    assert await cart_of(customer) == {"LAMP": 2, "VASE": 1}
    removed = await customer.delete("/carts/items/LAMP")
    assert (removed.status_code, [item["sku"] for item in removed.json()["items"]]) == (200, ["VASE"])
    refused(await customer.delete("/carts/items/LAMP"), 404, "not-found")
    refused(await customer.patch("/carts/items/LAMP", json={"quantity": 1}), 404, "not-found")


async def test_a_deleted_cart_is_gone_and_the_next_one_is_another(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    cart = await add(customer, "LAMP")
    assert (await customer.delete("/carts/current")).status_code == 204
    fresh = (await customer.get("/carts/current")).json()
    assert fresh["items"] == []
    assert fresh["id"] != cart["id"]
    assert (await customer.delete("/carts/current")).status_code == 204


async def test_deleting_a_cart_honours_if_match(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    version = (await add(customer, "LAMP"))["version"]
    await add(customer, "LAMP")
    stale = await customer.delete("/carts/current", headers={"If-Match": f'"{version}"'})
    refused(stale, 412, "stale")
    assert await cart_of(customer) == {"LAMP": 2}
    assert (await customer.delete("/carts/current", headers={"If-Match": f'"{version + 1}"'})).status_code == 204
    assert await cart_of(customer) == {}


@asynccontextmanager
async def counted_commands(redis: Redis) -> AsyncIterator[list[str]]:
    """The commands that clients send meanwhile, without those that a script runs inside Redis."""
    commands: list[str] = []
    end = uuid4().hex
    async with redis.monitor() as monitor:
        yield commands
        await redis.echo(end)
        async for command in monitor.listen():
            if end in command["command"]:
                break
            if command["client_type"] != "lua":
                commands.append(command["command"])


async def commands_of(resources: Resources, send: Callable[[], Awaitable[object]]) -> tuple[list[str], int]:
    """What Redis is asked, by name, and how many queries Postgres is."""
    with counted_queries(resources.database) as queries:
        async with counted_commands(resources.redis) as commands:
            await send()
    return [command.split()[0] for command in commands], len(queries)


IN_THE_GATE = ["EVALSHA", "EXISTS", "HGETALL"]
"""One pipeline: the limit, the session, the cart."""


async def test_a_change_is_one_script_and_one_query_and_a_read_is_one_query(
    customer: Caller, shop: Shop, resources: Resources
) -> None:
    for sku in ("LAMP", "VASE", "DESK"):
        await shop.product(sku)
        await add(customer, sku)  # the connections and the scripts are there
    await customer.patch("/carts/items/VASE", json={"quantity": 2})
    for change in (
        lambda: add(customer, "LAMP"), lambda: customer.patch("/carts/items/VASE", json={"quantity": 3}),
    ):  # fmt: skip
        assert await commands_of(resources, change) == ([*IN_THE_GATE, "EVALSHA"], 1)
    assert await commands_of(resources, lambda: customer.get("/carts/current")) == (IN_THE_GATE, 1)


async def test_what_another_tab_put_in_meanwhile_is_priced_too(
    customer: Caller, shop: Shop, app: FastAPI, resources: Resources
) -> None:
    """The cart that the gate brought did not have it: it takes one query more."""

    class Meanwhile(CartStore):
        async def add(self, owner: Owner, line: Line, **more: Any) -> tuple[Cart, bool]:
            await super().add(owner, Line("VASE", 1, Money(300, "USD"), 10))
            return await super().add(owner, line, **more)

    await shop.product("LAMP", price=1000)
    await shop.product("VASE", price=300)
    app.state.resources = replace(resources, carts=Meanwhile.from_settings(resources.redis, resources.settings))
    with counted_queries(resources.database) as queries:
        cart = await add(customer, "LAMP")
    assert cart["totals"]["total"] == usd(1300)
    assert len(queries) == 2


async def test_two_hundred_additions_at_once_of_fifty_skus_end_in_exactly_the_right_cart(
    customer: Caller, shop: Shop
) -> None:
    for number in range(50):
        await shop.product(f"SKU-{number}", price=number + 1, stock=1000)
    units = {number: number // 50 + 1 for number in range(200)}
    answers = await asyncio.gather(
        *(
            customer.post("/carts/items", json={"sku": f"SKU-{number % 50}", "quantity": quantity})
            for number, quantity in units.items()
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["version"] for answer in answers} == set(range(1, 201)), "each saw a cart of its own"
    assert await cart_of(customer) == {f"SKU-{number}": 1 + 2 + 3 + 4 for number in range(50)}
    cart = (await customer.get("/carts/current")).json()
    assert cart["totals"]["total"] == usd(10 * sum(range(1, 51)))
    for answer in answers:
        seen = answer.json()
        assert seen["totals"]["total"]["amount"] == sum(item["line_total"]["amount"] for item in seen["items"])
