"""Bodies of at most 1 MiB, over a real connection too: what is larger is refused and what is left out is survived."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.middleware import BODY_LIMIT
from devstack.servers.ports import free_port
from tests.api.conftest import Caller
from tests.api.shopping import refused, until

JSON = {"Content-Type": "application/json"}


def login(size: int) -> bytes:
    """A body of so many bytes that means something."""
    frame = b'{"email": "ada@example.com", "password": "%s"}'
    return frame % (b"x" * (size - len(frame) + 2))


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


async def test_a_body_above_the_limit_is_refused_whether_its_length_is_announced_or_not(anonymous: Caller) -> None:
    large = login(BODY_LIMIT + 1)
    announced = await anonymous.post("/auth/login", content=large, headers=JSON)
    refused(announced, 413, "body-too-large")
    unannounced = await anonymous.post("/auth/login", content=in_chunks(large), headers=JSON)
    assert "Content-Length" not in unannounced.request.headers
    refused(unannounced, 413, "body-too-large")


async def test_a_body_at_the_limit_is_read(anonymous: Caller) -> None:
    for content in (login(BODY_LIMIT), in_chunks(login(BODY_LIMIT))):
        answer = await anonymous.post("/auth/login", content=content, headers=JSON)
        refused(answer, 422, "validation-failed")  # the password is too long, and only that


@pytest.fixture
async def over_the_wire(app: FastAPI) -> AsyncIterator[str]:
    """The base address of the same application behind uvicorn."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started

    await until(is_up)
    yield f"http://127.0.0.1:{port}/api/v1"
    server.should_exit = True
    await serving


async def test_over_a_connection_a_large_body_is_refused_and_the_next_request_is_served(over_the_wire: str) -> None:
    async with httpx.AsyncClient(base_url=over_the_wire) as caller:
        refused(await caller.post("/auth/login", content=in_chunks(login(BODY_LIMIT + 1)), headers=JSON), 413,
                "body-too-large")  # fmt: skip
        assert (await caller.get("/products")).status_code == 200


async def raw(over_the_wire: str, request: bytes) -> bytes:
    """What is answered to these bytes, up to the end of the answer's head."""
    url = httpx.URL(over_the_wire)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    finally:
        writer.close()


async def test_over_a_connection_a_large_body_is_refused_by_its_announcement_alone(over_the_wire: str) -> None:
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: shop.test\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1)
    assert (await raw(over_the_wire, head)).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(over_the_wire: str) -> None:
    url = httpx.URL(over_the_wire)
    for _ in range(3):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
    async with httpx.AsyncClient(base_url=over_the_wire) as caller:
        assert (await caller.get("/products")).status_code == 200


async def test_over_a_connection_the_headers_are_those_of_the_application(over_the_wire: str) -> None:
    async with httpx.AsyncClient(base_url=over_the_wire) as caller:
        answer = await caller.get("/nothing", headers={"X-Request-ID": "over-the-wire"})
        assert refused(answer, 404, "not-found")["request_id"] == "over-the-wire"
        refused(await caller.get("/orders"), 401, "not-signed-in")
