"""Pages of other origins: none may read an answer unless a setting names them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.headers import EXPOSED
from core.settings import Settings
from tests.api.conftest import BASE, Caller
from tests.api.shopping import refused

SHOP, OTHER = "https://shop.example", "https://elsewhere.example"


@pytest.fixture
async def open_to_shop(app: FastAPI, api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a deployment that names one origin, on the same resources."""
    other = create_app(api_settings.model_copy(update={"cors_origins": (SHOP,)}))
    other.state.resources = app.state.resources
    transport = httpx.ASGITransport(other, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


def preflight(origin: str, method: str = "PATCH", headers: str = "authorization") -> dict[str, str]:
    return {
        "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers,
    }  # fmt: skip


async def test_by_default_no_page_of_another_origin_may_read_an_answer(anonymous: Caller) -> None:
    answer = await anonymous.get("/products", headers={"Origin": OTHER})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert (await anonymous.options("/products", headers=preflight(OTHER))).status_code == 405


async def test_a_named_origin_may_read_answers_and_the_headers_it_needs(open_to_shop: httpx.AsyncClient) -> None:
    answer = await open_to_shop.get("/products", headers={"Origin": SHOP})
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) == set(EXPOSED) >= {
        "X-Request-ID", "ETag", "Location", "Retry-After", "Idempotent-Replayed",
        "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
    }  # fmt: skip
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers, "tokens are sent by the page, not by the browser"


@pytest.mark.parametrize("header", ["authorization", "x-cart-token", "idempotency-key", "if-match", "content-type"])
async def test_a_named_origin_may_send_what_the_api_takes(open_to_shop: httpx.AsyncClient, header: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = await open_to_shop.options("/carts/items/LAMP", headers=preflight(SHOP, method, header))
        assert answer.status_code == 200, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["X-Request-ID"]


async def test_another_origin_is_let_neither_ask_nor_read(open_to_shop: httpx.AsyncClient) -> None:
    assert (await open_to_shop.options("/products", headers=preflight(OTHER))).status_code == 400
    answer = await open_to_shop.get("/products", headers={"Origin": OTHER})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_named_origin_may_read_refusals_too(open_to_shop: httpx.AsyncClient) -> None:
    answer = await open_to_shop.get("/orders", headers={"Origin": SHOP})
    refused(answer, 401, "not-signed-in")
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
