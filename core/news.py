"""Hints that there is news, by Postgres's NOTIFY over one connection per process, outside the pool.

A hint only says where to look: the row is the truth. A hint may be lost with the connection, so that everybody is woken
once there is another one, and whoever must not miss anything looks from time to time without a hint.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import asyncpg
import structlog
from sqlalchemy import make_url

from core.settings import Settings

CHANNEL = "tillwright_news"
"""What the triggers of migration 0007 notify: `user:{id}`, `order:{id}` or `mail`."""

PATIENCE = 5
"""Seconds for a connection, and for the answer to whether it still is one."""
LOOKS_EVERY = 10
"""Seconds between two such questions: a connection whose other end is gone says nothing by itself."""
PAUSES = (0.1, 0.5, 1, 2, 5)
"""Seconds before another connection is tried; the last one for ever."""

log = structlog.get_logger()


class Hint:
    """Wakes one who waits. However many come while that one is busy, they are one."""

    def __init__(self) -> None:
        self._is_there = asyncio.Event()

    def give(self) -> None:
        self._is_there.set()

    async def wait(self, timeout: float) -> bool:
        """True, and the hint is taken, or False after so many seconds without one."""
        try:
            async with asyncio.timeout(timeout):
                await self._is_there.wait()
        except TimeoutError:
            return False
        self._is_there.clear()
        return True


class News:
    """`async with News(url) as news:` listens until the block ends; `news.subscribed(…)` is for each who waits."""

    def __init__(self, url: str, application_name: str = "tillwright") -> None:
        parsed = make_url(url)
        _, options = parsed.get_dialect()().create_connect_args(parsed)
        named = {"application_name": application_name}
        self._options = dict(options) | {"timeout": PATIENCE, "server_settings": named}
        self._hints: defaultdict[str, set[Hint]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self.is_connected = asyncio.Event()
        """Whether hints come. Nobody needs to wait for it: everybody is woken when it is set."""

    @classmethod
    def from_settings(cls, settings: Settings, application_name: str) -> "News":
        return cls(settings.database_url.get_secret_value(), application_name)

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._keep_listening())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    @contextmanager
    def subscribed(self, topic: str) -> Iterator[Hint]:
        """A hint for what Postgres notifies of this topic. Subscribe first, then look: what comes between is hinted."""
        hint = Hint()
        self._hints[topic].add(hint)
        try:
            yield hint
        finally:
            self._hints[topic].discard(hint)
            if not self._hints[topic]:
                del self._hints[topic]

    @property
    def subscribers(self) -> int:
        return sum(len(hints) for hints in self._hints.values())

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever it was: nobody else would go on listening
                log.warning("news.away", error=type(error).__name__)
            failures = 0 if self.is_connected.is_set() else failures + 1
            self.is_connected.clear()
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _listen(self) -> None:
        """Until the connection is lost: then it raises, or returns."""
        connection = await asyncpg.connect(**self._options)
        is_closed = asyncio.Event()
        connection.add_termination_listener(lambda _: is_closed.set())
        try:
            await connection.add_listener(CHANNEL, self._pass_on)
            self._wake_everybody()
            while not is_closed.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOKS_EVERY):
                        await is_closed.wait()
                        return
                await connection.execute("SELECT 1", timeout=PATIENCE)
        finally:
            connection.terminate()

    def _wake_everybody(self) -> None:
        self.is_connected.set()
        for hints in self._hints.values():
            for hint in hints:
                hint.give()

    def _pass_on(self, connection: Any, sender: int, channel: str, topic: str) -> None:
        for hint in self._hints.get(topic, ()):
            hint.give()
