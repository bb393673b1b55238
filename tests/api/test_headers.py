"""What every answer tells a browser and a cache, and that a HEAD is a GET without its body."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Caller
from tests.api.live.listening import serving
from tests.api.shopping import refused
from tests.builders import Shop

ROOT = "http://shop.test"


@pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/orders", "/api/v1/nowhere", "/health/live", "/api/docs"])
async def test_no_answer_may_be_sniffed_framed_or_told_on(anonymous: Caller, path: str) -> None:
    headers = (await anonymous.get(ROOT + path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors 'none'")
    assert headers["X-Request-ID"]


async def test_the_documentation_may_load_what_it_consists_of(anonymous: Caller) -> None:
    page = await anonymous.get(f"{ROOT}/api/docs")
    policy: dict[str, list[str]] = {}
    for part in page.headers["Content-Security-Policy"].split("; "):
        name, *sources = part.split()
        policy[name] = sources
    assert "https://cdn.jsdelivr.net/npm/swagger-ui-dist" in page.text
    assert {"'unsafe-inline'", "https://cdn.jsdelivr.net"} <= set(policy["script-src"]) & set(policy["style-src"])
    assert "'self'" in policy["connect-src"]
    assert "unsafe-inline" not in (await anonymous.get("/products")).headers["Content-Security-Policy"]


async def test_what_is_personal_is_not_stored_and_what_anyone_may_see_can_be(
    anonymous: Caller, customer: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    personal: list[tuple[Caller, str, str, dict[str, Any]]] = [
        (customer, "GET", "/orders", {}),
        (customer, "GET", "/products", {}),
        (customer, "POST", "/carts", {}),
        (anonymous, "GET", "/products", {"headers": {"X-Cart-Token": "somebody"}}),
        (anonymous, "GET", "/products/no-such-thing", {}),
        (anonymous, "POST", "/auth/login", {"json": {"email": "ada@example.com", "password": "analytical engine"}}),
    ]
    for caller, method, path, sent in personal:
        answer = await caller.request(method, path, **sent)
        assert answer.headers["Cache-Control"] == "no-store", (method, path)
    assert "no-store" not in (await anonymous.get("/products")).headers.get("Cache-Control", "")


async def test_a_head_is_answered_as_a_get_without_its_body(anonymous: Caller, customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    for caller, path in ((anonymous, "/products"), (customer, "/orders"), (anonymous, f"{ROOT}/health/ready")):
        whole, head = await caller.get(path), await caller.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag"):
            assert head.headers.get(name) == whole.headers.get(name)
    refused_head = await anonymous.head("/orders")
    assert (refused_head.status_code, refused_head.content) == (401, b"")
    assert (await customer.head("/auth/login")).status_code == 405


@pytest.mark.parametrize("prefix", ["/api/v1", "/api"])
async def test_a_method_that_a_path_does_not_have_is_answered_with_all_that_it_has(
    customer: Caller, prefix: str
) -> None:
    answer = await customer.put(f"{ROOT}{prefix}/carts/current")
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD"
    assert (await customer.get(f"{ROOT}{prefix}/auth/login")).headers["Allow"] == "POST"


async def test_a_bug_is_answered_with_the_same_headers_and_no_more(app: FastAPI, anonymous: Caller) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("the secret of the house")

    app.add_api_route("/broken", broken)
    try:
        answer = await anonymous.get(f"{ROOT}/broken", headers={"X-Request-ID": "req-1"})
    finally:
        app.router.routes.pop()
    assert refused(answer, 500, "internal-error")["request_id"] == answer.headers["X-Request-ID"] == "req-1"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "secret" not in answer.text


async def test_over_a_connection_a_head_leaves_it_open_for_the_next_request(app: FastAPI, shop: Shop) -> None:
    """The server believes what the scope says of the method: one that waits for the announced body hangs up."""
    await shop.product("LAMP")
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as caller:
        first = await caller.head("/products")
        second = await caller.get("/products")
        assert (first.status_code, first.content, second.status_code) == (200, b"", 200)
        streams = [answer.extensions["network_stream"] for answer in (first, second)]
        assert streams[0].get_extra_info("client_addr") == streams[1].get_extra_info("client_addr")
