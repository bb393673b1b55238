"""What a shopper does over HTTP, and what every answer is held to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from tests.api.conftest import Caller

ADDRESS = {
    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "city": "Portland",
    "region": "OR", "postal_code": "97201", "country": "US",
}  # fmt: skip
CARD = {"payment_method": "card", "payment_token": "pm_card_visa", "shipping_address": ADDRESS}
COD = {"payment_method": "cod", "shipping_address": ADDRESS}

DECLINED, THREE_D_SECURE = "pm_card_chargeDeclined", "pm_card_authenticationRequired"


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or uuid4().hex}


async def add(caller: Caller, sku: str, quantity: int = 1) -> dict[str, Any]:
    """The cart with these units in it."""
    response = await caller.post("/carts/items", json={"sku": sku, "quantity": quantity})
    assert response.status_code == 200, response.text
    cart: dict[str, Any] = response.json()
    return cart


async def cart_of(caller: Caller) -> dict[str, int]:
    """Units by SKU."""
    response = await caller.get("/carts/current")
    return {item["sku"]: item["quantity"] for item in response.json()["items"]}


async def check_out(
    caller: Caller, body: dict[str, Any] = CARD, *, key: str | None = None, **changes: Any
) -> httpx.Response:
    return await caller.post("/orders/checkout", json=body | changes, headers=keyed(key))


async def ordered(caller: Caller, body: dict[str, Any] = CARD, **changes: Any) -> dict[str, Any]:
    """The order that this checkout made."""
    response = await check_out(caller, body, **changes)
    assert response.status_code == 201, response.text
    order: dict[str, Any] = response.json()
    return order


async def orders_of(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    response = await caller.get("/orders", params=query)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 — what goes on after the reply tells nobody
            await asyncio.sleep(0.02)


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Requires a whole problem document (RFC 9457) with this code; what it says."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= problem.keys()
    assert (problem["code"], problem["status"]) == (code, status), problem
    assert problem["type"].endswith(code)
    assert problem["instance"] == response.request.url.path
    assert problem["request_id"] == response.headers["X-Request-ID"]
    if status in (401, 503):
        assert response.headers["WWW-Authenticate" if status == 401 else "Retry-After"]
    return problem


def fields_of(problem: dict[str, Any]) -> set[str]:
    """The fields that a refused body's `errors` name."""
    return {error["field"] for error in problem["errors"]}


@asynccontextmanager
async def calling(app: FastAPI, base: str) -> AsyncIterator[Caller]:
    """Nobody in particular, under another path."""
    async with Caller(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=base) as caller:
        yield caller
