"""Searching the catalogue: the index in Redis where there is one, else Postgres, with the same answer."""

from collections.abc import Iterable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api import metrics
from core.database import Database
from domain.search import Sort, Wanted, words
from domain.search_cursor import Mark
from services.search import database as fallback
from services.search.asking import LOOKED_AT, MOST_SUGGESTIONS, SearchAbsent, SearchIndex
from services.search.found import Facets, Found

_NOT_FROM_REDIS = (SearchAbsent, RedisError, OSError)
"""OSError is a TimeoutError too. Whatever Redis cannot answer, a module that it lacks included, Postgres can."""

log = structlog.get_logger()


class Searches:
    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._index = SearchIndex(redis)

    async def find(self, wanted: Wanted, sort: Sort, after: Mark | None, limit: int, *, with_facets: bool) -> Found:
        if wanted.is_impossible:
            return Found([], 0, None, Facets() if with_facets else None)
        try:
            return await self._index.find(wanted, sort, after, limit, with_facets=with_facets)
        except _NOT_FROM_REDIS as error:
            _note(error)
        async with self._database.reading() as session:
            return await fallback.find(session, wanted, sort, after, limit, with_facets=with_facets)

    async def suggest(self, typed: str) -> list[dict[str, Any]]:
        """Names of products, each once, with the slug of the first that has it."""
        said = words(typed)
        if not said:
            return []
        try:
            return _distinct(await self._index.suggest(said))
        except _NOT_FROM_REDIS as error:
            _note(error)
        async with self._database.reading() as session:
            return _distinct(await fallback.suggest(session, said, LOOKED_AT))


def _distinct(found: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    slugs: dict[str, str] = {}
    for name, slug in sorted(found):
        slugs.setdefault(name, slug)
    return [{"name": name, "slug": slug} for name, slug in list(slugs.items())[:MOST_SUGGESTIONS]]


def _note(error: Exception) -> None:
    log.warning("search.fell_back", error=type(error).__name__)
    metrics.SEARCH_FALLBACKS.inc()
