"""When something that the API needs is away: 503 with Retry-After, what does not need it goes on, and it heals."""

from typing import Any
from uuid import uuid4

from tests.api.conftest import Caller, Wires
from tests.api.shopping import COD, add, cart_of, check_out, keyed, ordered, refused
from tests.builders import Shop

READY = "http://shop.test/health/ready"


async def is_ready(caller: Caller) -> bool:
    return (await caller.get(READY)).status_code == 200


async def test_without_redis_there_are_no_carts_and_everything_else_goes_on(
    customer: Caller, staff: Caller, shop: Shop, wires: Wires, worker: object
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP", 2)
    key = uuid4().hex
    order = await ordered(customer, COD, key=key)
    await add(customer, "LAMP", 1)
    wires.redis.cut()
    for method, path in (("GET", "/carts/current"), ("POST", "/carts"), ("DELETE", "/carts/current")):
        refused(await customer.request(method, path), 503, "unavailable")
    refused(await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1}), 503, "unavailable")
    refused(await check_out(customer, COD), 503, "unavailable")
    assert (await customer.get("/products")).status_code == 200
    assert (await customer.get(f"/orders/{order['id']}")).status_code == 200
    assert (await check_out(customer, COD, key=key)).json()["id"] == order["id"], "a known click needs no cart"
    assert (await staff.post(f"/orders/{order['id']}/confirm")).json()["status"] == "confirmed"
    assert "redis" in refused(await customer.get(READY), 503, "unavailable")["detail"]
    await wires.redis.mend()
    assert await cart_of(customer) == {"LAMP": 1}
    assert await is_ready(customer)


async def test_without_postgres_the_api_says_so_and_heals_by_itself(
    customer: Caller, anonymous: Caller, shop: Shop, wires: Wires
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    wires.postgres.cut()
    for _ in range(2):  # once on a connection that broke, once on one that cannot be made
        refused(await anonymous.get("/products"), 503, "unavailable")
        refused(await customer.get("/orders"), 503, "unavailable")
        refused(await customer.get("/carts/current"), 503, "unavailable")
        refused(await check_out(customer, COD), 503, "unavailable")
        login = {"email": "ada@example.com", "password": "analytical engine"}
        refused(await anonymous.post("/auth/login", json=login), 503, "unavailable")
    assert "postgres" in refused(await customer.get(READY), 503, "unavailable")["detail"]
    await wires.postgres.mend()
    assert await cart_of(customer) == {"LAMP": 1}
    assert await is_ready(customer)


async def connections(shop: Shop) -> set[int]:
    found = await shop.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'tillwright-api'")
    return {pid for (pid,) in found}


async def test_a_connection_that_the_database_ended_costs_one_request_at_most(
    anonymous: Caller, shop: Shop, wires: Wires
) -> None:
    await shop.product("LAMP")
    others = await connections(shop)
    assert (await anonymous.get("/products")).status_code == 200
    for pid in await connections(shop) - others:
        await shop.rows("SELECT pg_terminate_backend(:pid)", pid=pid)
    assert await connections(shop) == others
    first, second = await anonymous.get("/products"), await anonymous.get("/products")
    if first.status_code != 200:
        refused(first, 503, "unavailable")
    assert second.status_code == 200


async def test_without_temporal_everything_can_be_read_and_nothing_is_decided(
    customer: Caller, staff: Caller, shop: Shop, wires: Wires, worker: object
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer, COD)
    wires.temporal.cut()
    headers = keyed()
    refused(await staff.post(f"/orders/{order['id']}/confirm", headers=headers), 503, "unavailable")
    assert (await customer.get(f"/orders/{order['id']}")).json()["status"] == "pending_confirmation"
    assert (await customer.get("/products")).status_code == 200
    await add(customer, "LAMP")
    assert "temporal" in refused(await customer.get(READY), 503, "unavailable")["detail"]
    await wires.temporal.mend()
    confirmed = await staff.post(f"/orders/{order['id']}/confirm", headers=headers)
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    assert await is_ready(customer)


async def test_nothing_of_an_outage_is_told_to_the_outside(customer: Caller, wires: Wires) -> None:
    wires.postgres.cut()
    wires.redis.cut()
    for answer in (await customer.get("/products"), await customer.get("/carts/current"), await customer.get(READY)):
        text = str(refused(answer, 503, "unavailable"))
        assert not any(secret in text for secret in ("127.0.0.1", str(wires.postgres.port), "asyncpg", "Traceback"))


async def test_what_is_alive_says_so_whatever_is_away(anonymous: Caller, wires: Wires) -> None:
    for wire in (wires.postgres, wires.redis, wires.temporal):
        wire.cut()
    alive: Any = await anonymous.get("http://shop.test/health/live")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    detail = refused(await anonymous.get(READY), 503, "unavailable")["detail"]
    assert all(name in detail for name in ("postgres", "redis", "temporal"))
