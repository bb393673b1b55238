"""When the reply does not come in time: the order goes on by itself, and its Location can be read at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import text
from temporalio.client import Client

from api.checkouts import Checkouts
from api.dependencies import Resources
from core.database import Database
from core.settings import Settings
from tests.api.conftest import Caller, Wires
from tests.api.shopping import CARD, COD, add, cart_of, check_out, orders_of, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import list_activities, running_workers

Working = Callable[[], Any]


@pytest.fixture
def working(
    temporal: Client, api_settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> Working:
    """`async with working()`: now there is a worker."""
    return lambda: running_workers(temporal, api_settings, list_activities(api_settings, database, redis, gateway))


@pytest.fixture
def hurried(app: FastAPI, resources: Resources) -> None:
    """The application waits a second for its worker, and no longer."""
    settings = resources.settings.model_copy(update={"checkout_reply_deadline": timedelta(seconds=1)})
    checkouts = Checkouts(resources.database, resources.temporal, settings)
    app.state.resources = replace(resources, checkouts=checkouts)


async def location(caller: Caller, response: httpx.Response) -> httpx.Response:
    return await caller.get(f"http://shop.test{response.headers['Location']}")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("body", "ends"), [(CARD, "confirmed"), (COD, "pending_confirmation")], ids=["card", "cod"])
async def test_without_a_worker_the_reply_is_202_and_the_order_is_made_when_one_comes(
    customer: Caller, shop: Shop, working: Working, body: dict[str, Any], ends: str
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    key = uuid4().hex
    accepted = await check_out(customer, body, key=key)
    assert accepted.status_code == 202, accepted.text
    told = accepted.json()
    assert told == {
        "id": told["id"],
        "status": "pending_payment" if body is CARD else "pending_confirmation",
        "workflow_id": f"checkout-{told['id']}",
    }
    asked = await location(customer, accepted)
    assert (asked.status_code, asked.json()["id"], asked.headers["Retry-After"]) == (202, told["id"], "1")
    assert (await customer.get(f"/orders/{told['id']}/timeline")).json() == {"items": []}
    assert await cart_of(customer) == {"LAMP": 2}
    async with working():

        async def is_made() -> bool:
            found = await location(customer, accepted)
            return found.status_code == 200 and found.json()["status"] == ends

        await until(is_made)
        again = await check_out(customer, body, key=key)
        assert (again.status_code, again.json()["id"]) == (201, told["id"])
        assert again.headers["Idempotent-Replayed"] == "true"
    assert await cart_of(customer) == {}
    await shop.require_invariants()


@pytest.mark.usefixtures("hurried")
async def test_the_same_click_while_it_runs_is_202_with_the_same_location(
    customer: Caller, stranger: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    key = uuid4().hex
    first, again = await check_out(customer, key=key), await check_out(customer, key=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(await check_out(customer), 409, "cart-already-ordered")
    refused(await location(stranger, first), 404, "not-found")
    assert await orders_of(customer) == []


async def test_with_temporal_away_the_checkout_says_so_and_the_same_click_succeeds_later(
    customer: Caller, shop: Shop, wires: Wires, working: Working, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    key = uuid4().hex
    wires.temporal.cut()
    refused(await check_out(customer, key=key), 503, "unavailable")
    assert await cart_of(customer) == {"LAMP": 2}
    assert await shop.stock("LAMP") == (5, 0)
    await wires.temporal.mend()
    async with working():
        paid = await check_out(customer, key=key)
    assert (paid.status_code, paid.json()["status"]) == (201, "confirmed")
    assert gateway.count("confirm") == 1


async def forgotten(shop: Shop, resources: Resources, order_id: UUID) -> int:
    """What the API's janitor forgets once this request was last asked for two minutes ago."""
    aged = text("UPDATE checkout_requests SET touched_at = now() - interval '2 minutes' WHERE order_id = :id")
    async with shop.database.transaction() as session:
        await session.execute(aged, {"id": order_id})
    return await resources.checkouts.forget_unsent()


async def test_a_click_that_never_reached_temporal_is_forgotten_and_frees_its_cart(
    customer: Caller, shop: Shop, wires: Wires, app: FastAPI, working: Working
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    wires.temporal.cut()
    refused(await check_out(customer), 503, "unavailable")
    await wires.temporal.mend()
    [order_id] = await shop.rows("SELECT order_id FROM checkout_requests")
    refused(await check_out(customer), 409, "cart-already-ordered")
    assert await forgotten(shop, app.state.resources, order_id[0]) == 1
    async with working():
        assert (await check_out(customer)).status_code == 201, "another key orders the same cart"


@pytest.mark.usefixtures("hurried")
async def test_a_click_that_did_reach_temporal_is_never_forgotten(
    customer: Caller, shop: Shop, resources: Resources
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    accepted = await check_out(customer)
    assert accepted.status_code == 202
    assert await forgotten(shop, resources, UUID(accepted.json()["id"])) == 0
    assert (await location(customer, accepted)).status_code == 202
