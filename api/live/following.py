"""What one process tells those who listen: hints wake them, rows are what they are told, no connection waits for them.

Somebody who listens holds nothing of the database's meanwhile, and one who is slow holds up nobody else: each reads
the next rows when the last ones are sent.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api import metrics
from api.tokens import Caller
from core.database import Database
from core.news import News
from core.redis import REDIS_AWAY
from domain.errors import RateLimited
from services.following import Found
from services.sessions import ended_key

STREAMS_AT_ONCE = 10
"""Of one account in one process: tabs and devices, not a load."""
READS_AT_ONCE = 4
"""Of all who listen: after a lost connection all of them look, and the pool is there for requests too."""

HEARTBEAT = 15.0
"""Seconds. Nobody listens for longer than this without a sign of life, a look for what no hint told of, and the
question whether the session has ended."""
HELD_UP = 0.2
"""Seconds until the next look at what waits for an older transaction."""
AWAY = 1.0
"""Seconds until the next try where the database does not answer: to end the stream would not bring it back."""
REDIS_PATIENCE = 0.5
"""Seconds, as the gate waits."""

TOO_SLOW = 30
"""Seconds for a client to take what it was sent."""

OF_A_MACHINE = timedelta(minutes=1)
"""How long one listens by an API key, which has no session to end: then it is to be presented again."""

log = structlog.get_logger()

Item = TypeVar("Item")
Look = Callable[[AsyncSession], Awaitable[Found[Item]]]


class Beat:
    """Nothing is new, and the connection lives."""


class Over(Exception):
    """The token has expired or its session has ended: sign in again."""


@dataclass
class Listener:
    """Who listens, which another token of theirs can prolong."""

    caller: Caller
    began_at: datetime

    @classmethod
    def of(cls, caller: Caller) -> "Listener":
        return cls(caller, datetime.now(UTC))

    @property
    def seconds_left(self) -> float:
        ends_at = self.caller.expires_at or self.began_at + OF_A_MACHINE
        return (ends_at - datetime.now(UTC)).total_seconds()

    def require_time(self) -> None:
        """Raises Over."""
        if self.seconds_left <= 0:
            raise Over("The access token has expired.")


class Live:
    """What is open in this process. Build one per process."""

    def __init__(self, database: Database, redis: Redis, news: News, heartbeat: float = HEARTBEAT) -> None:
        self._database = database
        self._redis = redis
        self.news = news
        self._heartbeat = heartbeat
        self._open: Counter[UUID] = Counter()
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    @property
    def open_streams(self) -> int:
        return self._open.total()

    @contextmanager
    def room(self, account: UUID, kind: str) -> Iterator[None]:
        """Counts as one of the account's streams meanwhile. Raises RateLimited where it has enough of them."""
        if self._open[account] >= STREAMS_AT_ONCE:
            metrics.RATE_LIMITED.labels("streams").inc()
            raise RateLimited(f"At most {STREAMS_AT_ONCE} streams at once: close one.", retry_after=5)
        self._open[account] += 1
        metrics.STREAMS.labels(kind).inc()
        try:
            yield
        finally:
            metrics.STREAMS.labels(kind).dec()
            self._open[account] -= 1
            if not self._open[account]:
                del self._open[account]

    async def follow(self, topic: str, look: Look[Item], listener: Listener) -> AsyncGenerator[Item | Beat]:
        """What `look` finds, now and whenever something is new, each once; it reads on by itself from where it came to.

        Ends after what is last. Raises Over.
        """
        clock = asyncio.get_running_loop().time
        next_beat = clock() + self._heartbeat
        with self.news.subscribed(topic) as hint:
            while True:
                # A query that is broken off costs the pool its connection: who has gone lets it come to its end.
                found, pause = await asyncio.shield(self._look(look))
                for item in (*found.items, None):
                    if item is not None:
                        yield item
                    if clock() >= next_beat:  # also of a client that takes its time for each item
                        await self._require_session(listener)
                        yield Beat()
                        next_beat = clock() + self._heartbeat
                if found.is_last:
                    return
                if not found.is_cut:
                    await hint.wait(min(pause, next_beat - clock(), listener.seconds_left))
                listener.require_time()

    async def _look(self, look: Look[Item]) -> tuple[Found[Item], float]:
        """What there is, and in how many seconds to look again without a hint."""
        try:
            async with self._reads, self._database.reading() as session:
                found = await look(session)
        except (SQLAlchemyError, OSError) as error:
            log.warning("live.cannot_look", error=type(error).__name__)
            return Found([]), AWAY
        return found, HELD_UP if found.is_held_up else self._heartbeat

    async def _require_session(self, listener: Listener) -> None:
        """Raises Over. As at the gate, it is not asked for where Redis does not answer."""
        listener.require_time()
        if (session_id := listener.caller.session_id) is None:
            return
        try:
            async with asyncio.timeout(REDIS_PATIENCE):
                has_ended = await self._redis.exists(ended_key(session_id))
        except REDIS_AWAY:
            return
        if has_ended:
            raise Over("The session has ended.")
