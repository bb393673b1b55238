"""What one request costs: its round trips to each server, counted on the wire."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from core.database import Database
from tests.api.performance.meters import Meter
from tests.queries import counted_queries

TRIES = 8
"""The first requests prepare their statements and load their scripts; after that two in a row cost the same."""

Send = Callable[[], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Trips:
    """`postgres` counts BEGIN and COMMIT too, `queries` does not; `temporal` counts calls."""

    redis: int
    postgres: int
    queries: int
    temporal: int

    @property
    def all(self) -> int:
        return self.redis + self.postgres + self.temporal


@dataclass(frozen=True)
class Meters:
    """What the application goes through, and its database."""

    redis: Meter
    postgres: Meter
    temporal: Meter
    database: Database

    async def settled(self, prepare: Callable[[], Awaitable[Send]]) -> Trips:
        """What a request costs when others like it went before. `prepare` makes what each of them needs."""
        last: Trips | None = None
        for _ in range(TRIES):
            trips = await self._count(await prepare())
            if trips == last:
                return trips
            last = trips
        raise AssertionError(f"no two requests in a row cost the same; the last was {last}")

    async def _count(self, send: Send) -> Trips:
        before = self._read()
        with counted_queries(self.database) as queries:
            answer = await send()
        redis, postgres, temporal = (end - start for end, start in zip(self._read(), before, strict=True))
        asked = f"{answer.request.method} {answer.request.url}"
        assert answer.is_success or answer.is_redirect, f"{asked}: {answer.status_code} {answer.text}"
        return Trips(redis, postgres, len(queries), temporal)

    def _read(self) -> tuple[int, int, int]:
        return self.redis.count, self.postgres.count, self.temporal.count
