"""What Prometheus finds at /metrics."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.dependencies import Resources
from tests.api.conftest import Caller, Wires
from tests.api.shopping import add, keyed, refused
from tests.builders import Shop

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]
Read = Callable[[], Awaitable[Figures]]


@pytest.fixture
def read(anonymous: Caller) -> Read:
    async def read() -> Figures:
        answer = await anonymous.get("http://shop.test/metrics")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return read


def figure(figures: Figures, name: str, **labels: str) -> float:
    return figures.get((f"tillwright_{name}", frozenset(labels.items())), 0)


def requests(figures: Figures, method: str, route: str, status: int) -> float:
    return figure(figures, "request_seconds_count", method=method, route=route, status=str(status))


async def test_requests_are_counted_by_route_and_never_by_what_was_asked_for(customer: Caller, read: Read) -> None:
    before, order_id = await read(), uuid4()
    await customer.get(f"/orders/{order_id}")
    await customer.get(f"http://shop.test/api/orders/{order_id}")
    after = await read()
    both = [requests(figures, "GET", "/api/v1/orders/{order_id}", 404) for figures in (before, after)]
    assert both[1] - both[0] == 2, "the path without a version is the same route"
    assert not [labels for _, labels in after if str(order_id) in str(labels)]


async def test_what_leads_nowhere_is_counted_together(anonymous: Caller, read: Read) -> None:
    before = await read()
    for path in ("/nowhere", "/.env", "/api/v1/nothing"):
        await anonymous.get(f"http://shop.test{path}")
    await anonymous.request("BREW", "http://shop.test/pot")
    after = await read()
    assert requests(after, "GET", "unmatched", 404) - requests(before, "GET", "unmatched", 404) == 3
    assert requests(after, "other", "unmatched", 404) - requests(before, "other", "unmatched", 404) == 1


async def test_a_head_is_counted_as_one(anonymous: Caller, read: Read) -> None:
    before = await read()
    await anonymous.head("/products")
    after = await read()
    assert requests(after, "HEAD", "/api/v1/products", 200) - requests(before, "HEAD", "/api/v1/products", 200) == 1


async def test_refusals_by_a_limit_are_counted(
    app: FastAPI, resources: Resources, customer: Caller, read: Read
) -> None:
    before = await read()
    settings = resources.settings.model_copy(update={"reads_per_minute": 1})
    app.state.resources = replace(resources, settings=settings)
    await customer.get("/auth/me")
    refused(await customer.get("/auth/me"), 429, "rate-limited")
    after = await read()
    name = "rate_limited_total"
    assert figure(after, name, kind="reads") - figure(before, name, kind="reads") == 1


async def test_an_open_gate_is_seen(customer: Caller, wires: Wires, read: Read) -> None:
    before = await read()
    wires.redis.cut()
    assert (await customer.get("/auth/me")).status_code == 200
    after = await read()
    assert figure(after, "gate_open_total", kind="reads") - figure(before, "gate_open_total", kind="reads") == 1


async def test_replays_are_counted(customer: Caller, shop: Shop, read: Read) -> None:
    await shop.product("LAMP")
    before, headers = await read(), keyed()
    for _ in range(2):
        await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1}, headers=headers)
    after = await read()
    name, route = "idempotent_replays_total", "/api/v1/carts/items"
    assert figure(after, name, route=route) - figure(before, name, route=route) == 1


async def test_searches_that_postgres_answered_are_counted(anonymous: Caller, wires: Wires, read: Read) -> None:
    before = await read()
    wires.redis.cut()
    assert (await anonymous.get("/products?q=lamp")).status_code == 200
    after = await read()
    assert figure(after, "search_fallbacks_total") - figure(before, "search_fallbacks_total") == 1


async def test_the_pools_and_what_is_in_flight_are_shown(
    customer: Caller, shop: Shop, read: Read, resources: Resources
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    figures = await read()
    assert figure(figures, "requests_in_flight") == 1, "the one that asks"
    limit = resources.settings.database_pool_size
    assert figure(figures, "pool_connections", server="postgres", state="limit") == limit
    assert figure(figures, "pool_connections", server="postgres", state="in_use") == 0
    assert figure(figures, "pool_connections", server="redis", state="limit") == 50
    assert figure(figures, "pool_connections", server="redis", state="in_use") == 0
