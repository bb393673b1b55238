"""kill -9 of the worker in each step of a card order: it finishes once, with one charge and one sale."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from sqlalchemy import text

from core.database import Database
from devstack.demo.actors import Bank, Person, eventually
from devstack.stack import Stack
from devstack.verify import lasting_violations
from tests.scenarios.shopping import SKU, new_key, newcomer, settled


@asynccontextmanager
async def locked_shelf(books: Database) -> AsyncIterator[None]:
    """Nobody else can hold or sell the SKU meanwhile."""
    async with books.transaction() as session:
        await session.execute(text("SELECT 1 FROM stock WHERE sku = :sku FOR UPDATE"), {"sku": SKU})
        yield


async def somebody_waits_for_a_lock(books: Database) -> bool:
    async with books.transaction() as session:
        statement = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool((await session.execute(statement)).scalar_one())


async def newest_order(shopper: Person) -> str | None:
    orders = (await shopper.get("/orders?limit=1"))["items"]
    return orders[0]["id"] if orders else None


async def is_charged(bank: Bank, shopper: Person) -> bool:
    order_id = await newest_order(shopper)
    intents = await bank.intents_of(order_id) if order_id else []
    return any(intent["status"] in ("requires_capture", "succeeded") for intent in intents)


async def require_finished_once(
    click: "asyncio.Task[httpx.Response]", staff: Person, bank: Bank, before: tuple[int, int]
) -> None:
    answer = await click
    assert answer.status_code in (201, 202), answer.text
    order_id = answer.json()["id"]
    assert await settled(staff, order_id) == ("confirmed", "captured")
    assert len(await bank.charges_of(order_id)) == 1
    assert await stock(staff) == (before[0] - 1, before[1])
    rows, broken = await lasting_violations(staff)
    assert len(rows) == 20
    assert broken == []


async def stock(staff: Person) -> tuple[int, int]:
    picture = await staff.get(f"/inventory/{SKU}")
    return picture["on_hand"], picture["reserved"]


async def begin(api: httpx.AsyncClient, staff: Person) -> tuple[Person, tuple[int, int]]:
    shopper = await newcomer(api)
    await shopper.put_into_cart(SKU)
    return shopper, await stock(staff)


async def test_killed_while_it_reserves(
    stack: Stack, api: httpx.AsyncClient, bank: Bank, books: Database, staff: Person
) -> None:
    shopper, before = await begin(api, staff)
    async with locked_shelf(books):
        click = asyncio.create_task(shopper.check_out(key=new_key()))
        await eventually(lambda: somebody_waits_for_a_lock(books), "the worker waits for the shelf")
        stack.kill9("worker")
    await require_finished_once(click, staff, bank, before)


async def test_killed_before_the_provider_charges(
    stack: Stack, api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    """The charge that was asked for lands late, while the next worker asks again."""
    shopper, before = await begin(api, staff)
    await bank.set_fault("confirm", "slow", 1)
    click = asyncio.create_task(shopper.check_out(key=new_key()))

    async def is_asked_for() -> bool:
        order_id = await newest_order(shopper)
        return bool(order_id and await bank.intents_of(order_id))

    await eventually(is_asked_for, "the intent is there")
    stack.kill9("worker")
    await require_finished_once(click, staff, bank, before)


async def test_killed_between_charge_and_confirm(
    stack: Stack, api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    shopper, before = await begin(api, staff)
    await bank.set_fault("confirm", "slow_reply", 3)
    click = asyncio.create_task(shopper.check_out(key=new_key()))
    await eventually(lambda: is_charged(bank, shopper), "the card is charged")
    stack.kill9("worker")
    await require_finished_once(click, staff, bank, before)


async def test_killed_while_it_confirms(
    stack: Stack, api: httpx.AsyncClient, bank: Bank, books: Database, staff: Person
) -> None:
    shopper, before = await begin(api, staff)
    await bank.set_fault("confirm", "slow_reply", 1)
    click = asyncio.create_task(shopper.check_out(key=new_key()))
    await eventually(lambda: is_charged(bank, shopper), "the card is charged")
    async with locked_shelf(books):
        await eventually(lambda: somebody_waits_for_a_lock(books), "the worker waits for the shelf")
        stack.kill9("worker")
    await require_finished_once(click, staff, bank, before)


async def test_killed_between_capture_and_its_booking(
    stack: Stack, api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    shopper, before = await begin(api, staff)
    await bank.set_fault("capture", "slow_reply", 3)
    click = asyncio.create_task(shopper.check_out(key=new_key()))

    async def is_captured() -> bool:
        order_id = await newest_order(shopper)
        return any(i["status"] == "succeeded" for i in (await bank.intents_of(order_id) if order_id else []))

    await eventually(is_captured, "the provider captures")
    stack.kill9("worker")
    await require_finished_once(click, staff, bank, before)


async def test_a_provider_that_takes_longer_than_a_heartbeat_is_not_asked_twice(
    api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    shopper, before = await begin(api, staff)
    await bank.set_fault("confirm", "slow_reply", 7)
    click = asyncio.create_task(shopper.check_out(key=new_key()))
    await require_finished_once(click, staff, bank, before)
    assert (await click).status_code == 201
