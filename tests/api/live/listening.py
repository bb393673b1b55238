"""Clients of streams and sockets, as a browser would be one."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from tests.api.conftest import Caller
from tests.api.shopping import until

HOST = "127.0.0.1"
PATIENCE = 20.0

SEND_BUFFER = 65_536
"""Bytes that the system takes for a client that does not read: few, so that a test fills them soon."""


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The address of the application on a port of its own; at the end it is asked to stop, and does."""
    listening = socket.create_server((HOST, 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    serves = asyncio.create_task(server.serve(sockets=[listening]))

    async def listens() -> bool:
        return server.started

    await until(listens)
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}/api/v1"
    finally:
        server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            await serves


@dataclass
class Block:
    """What stands between two empty lines of a stream."""

    id: str | None = None
    event: str = "message"
    comment: str | None = None
    retry: int | None = None
    data: Any = None


@dataclass
class Ear:
    """Reads one stream, and remembers the last id as an EventSource does."""

    answer: httpx.Response
    last_id: str | None = None
    _lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.answer.aiter_lines()

    async def block(self) -> Block | None:
        """The next one; None at the end."""
        found, is_empty = Block(), True
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if not line:
                    if not is_empty:
                        self.last_id = found.id or self.last_id
                        return found
                    continue
                is_empty = False
                name, _, value = line.partition(": ")
                match name:
                    case "":
                        found.comment = value
                    case "data":
                        found.data = json.loads(value)
                    case "retry":
                        found.retry = int(value)
                    case "id" | "event":
                        setattr(found, name, value)
        return None

    async def event(self) -> Block | None:
        """The next one that carries something; None at the end."""
        while (found := await self.block()) and found.data is None:
            pass
        return found

    async def rest(self) -> list[Block]:
        """All until it ends by itself."""
        return [found async for found in self._all()]

    async def _all(self) -> AsyncIterator[Block]:
        while found := await self.block():
            yield found


@asynccontextmanager
async def hearing(
    address: str, path: str, caller: Caller, last_id: str | None = None, **more: Any
) -> AsyncIterator[Ear]:
    headers = {"Authorization": caller.headers["Authorization"]} | ({"Last-Event-ID": last_id} if last_id else {})
    async with (
        httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE) as client,
        client.stream("GET", path, **more) as answer,
    ):
        yield Ear(answer, last_id)


@dataclass
class Socket:
    connection: ClientConnection

    async def say(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            found: dict[str, Any] = json.loads(await self.connection.recv())
        return found

    async def closed(self) -> tuple[int | None, str | None]:
        """With which code, and why."""
        async with asyncio.timeout(PATIENCE):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def conversing(
    address: str, caller: Caller | None = None, last_id: str | None = None, query: str = ""
) -> AsyncIterator[Socket]:
    """Signed in as the caller, if there is one."""
    url = address.replace("http:", "ws:") + "/notifications/ws" + query
    async with connect(url, compression=None, close_timeout=1) as connection:
        opened = Socket(connection)
        if caller is not None:
            await opened.say(sign_in(caller, last_id))
            assert (await opened.hear())["type"] == "ready"
        yield opened


def sign_in(caller: Caller, last_id: str | None = None) -> dict[str, Any]:
    token = caller.headers["Authorization"].removeprefix("Bearer ")
    return {"type": "auth", "token": token} | ({"last_event_id": last_id} if last_id else {})
