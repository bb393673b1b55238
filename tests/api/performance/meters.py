"""Counting on the wire: whatever a library sends, a round trip is what was asked before something was answered."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"

PREFACE = 24
"""Bytes with which an HTTP/2 connection begins."""
FRAME_HEAD = 9
HEADERS = 1
"""The frame that begins a call."""


class Turns:
    """Counts the times that the client speaks after the server did: a pipeline is one."""

    def __init__(self) -> None:
        self.count = 0
        self._is_asking = False

    def sent(self, chunk: bytes) -> None:
        self.count += not self._is_asking
        self._is_asking = True

    def answered(self) -> None:
        self._is_asking = False


class Calls:
    """Counts the gRPC calls of an HTTP/2 connection, several of which may be under way at once."""

    def __init__(self) -> None:
        self.count = 0
        self._skip = PREFACE
        self._head = b""

    def sent(self, chunk: bytes) -> None:
        while chunk:
            if self._skip:
                skipped = min(self._skip, len(chunk))
                self._skip -= skipped
                chunk = chunk[skipped:]
                continue
            wanted = FRAME_HEAD - len(self._head)
            self._head += chunk[:wanted]
            chunk = chunk[wanted:]
            if len(self._head) == FRAME_HEAD:
                self.count += self._head[3] == HEADERS
                self._skip = int.from_bytes(self._head[:3])
                self._head = b""

    def answered(self) -> None:
        """Nothing that counts."""


class Meter:
    """`async with Meter(port, Turns) as meter`: a TCP port of its own that leads to `port`, and counts."""

    def __init__(self, port: int, kind: type[Turns] | type[Calls]) -> None:
        self._target = port
        self._kind = kind
        self._connections: list[Turns | Calls] = []
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def count(self) -> int:
        return sum(connection.count for connection in self._connections)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self._target)
        connection = self._kind()
        self._connections.append(connection)
        self._open |= {writer, back}
        try:
            await asyncio.gather(_ask(reader, back, connection), _answer(there, writer, connection))
        finally:
            self._open -= {writer, back}


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Turns | Calls) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            connection.sent(chunk)
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Turns | Calls) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            connection.answered()
            writer.write(chunk)
            await writer.drain()
    writer.close()
