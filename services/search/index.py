"""The index in Redis: generations of it, one of which is live.

A generation is an index, the hashes below its prefix, and its state: the position in the outbox that it has come to.
Documents and position are written in one MULTI, under a WATCH of the state since before the database was read. So
two writers of a generation follow each other, whoever they are, what is older never replaces what is newer, and a
Redis that lost its last second lost the position with the documents.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from services.search.documents import Document

VERSION = "1"
"""To be raised with every change of FIELDS or of what a document holds: the index is then built anew."""

ALIAS = f"products:v{VERSION}"
"""Code of another version has another alias: it finds its own index or none, never one that it cannot read."""
LIVE = f"search:live:v{VERSION}"

FIELDS = (
    "name", "TEXT", "NOSTEM", "brand", "TEXT", "NOSTEM", "description", "TEXT", "NOSTEM",
    "name_starts", "TAG", "SEPARATOR", " ", "CASESENSITIVE", "brand_starts", "TAG", "SEPARATOR", " ", "CASESENSITIVE",
    "facets", "TAG", "SEPARATOR", "\x1f", "CASESENSITIVE", "SORTABLE", "UNF",
    "newest", "NUMERIC", "SORTABLE", "price", "NUMERIC", "SORTABLE", "dearest", "NUMERIC", "SORTABLE",
    "name_number", "NUMERIC", "SORTABLE",
    "name_key", "TAG", "CASESENSITIVE", "SORTABLE", "UNF", "NOINDEX",
    "id", "TAG", "CASESENSITIVE", "SORTABLE", "UNF", "NOINDEX",
)  # fmt: skip
"""Neither stems nor stop words, and no scores: relevance is a matter of tiers (domain/search_tiers.py)."""


class GenerationLost(Exception):
    """Redis does not have it, or no longer."""


@dataclass(frozen=True)
class Position:
    """The row of search_changes that was projected last, and the database's time in seconds when that was said."""

    xid: str
    id: int
    at: float


def generation_named(name: str) -> str:
    """Says which code it is of, so that two versions at work during a deployment never build one together."""
    return f"v{VERSION}-{name}"


def index_of(generation: str) -> str:
    return f"products:{generation}"


def state_of(generation: str) -> str:
    return f"search:{generation}"


def key_of(generation: str, product_id: UUID | str) -> str:
    return f"product:{generation}:{product_id}"


def require_own(generation: str) -> None:
    """Raises GenerationLost for one that code of another version began."""
    if not generation.startswith(generation_named("")):
        raise GenerationLost


async def live_generation(redis: Redis) -> str | None:
    generation: Any = await redis.get(LIVE)
    return None if generation is None else str(generation)


async def create(redis: Redis, generation: str, position: Position) -> None:
    """An empty generation that has come to this position. Doing it again starts it anew."""
    if not await exists(redis, generation):
        await redis.execute_command(  # type: ignore[no-untyped-call]
            "FT.CREATE", index_of(generation), "ON", "HASH", "PREFIX", "1", key_of(generation, ""),
            "NOOFFSETS", "NOHL", "NOFREQS", "STOPWORDS", "0", "SCHEMA", *FIELDS,
        )  # fmt: skip
    state: Mapping[Any, Any] = vars(position)
    await redis.hset(state_of(generation), mapping=state)


class Writing:
    """One batch for one generation, written at the end of `writing` or not at all."""

    def __init__(self, generation: str, pipe: Pipeline, state: Any) -> None:
        self.position = Position(state["xid"], int(state["id"]), float(state["at"]))
        self._generation = generation
        self._pipe = pipe

    def put(self, documents: Collection[Document], gone: Collection[UUID] = ()) -> None:
        for document in documents:
            self._pipe.hset(key_of(self._generation, document.id), mapping=document.fields)
        if gone:
            self._pipe.unlink(*(key_of(self._generation, product_id) for product_id in gone))

    def remember(self, state: Mapping[Any, Any]) -> None:
        self._pipe.hset(state_of(self._generation), mapping=state)

    def move_to(self, position: Position) -> None:
        self.remember(vars(position))


@asynccontextmanager
async def writing(redis: Redis, generation: str) -> AsyncIterator[Writing]:
    """Read the database inside of it. Raises GenerationLost, and WatchError when somebody else wrote meanwhile."""
    require_own(generation)
    async with redis.pipeline(transaction=True) as pipe:
        await pipe.watch(state_of(generation))
        state: Any = await pipe.hgetall(state_of(generation))
        if not state:
            raise GenerationLost
        pipe.multi()  # type: ignore[no-untyped-call]
        yield Writing(generation, pipe, state)
        if len(pipe):
            # Touched by every batch, so that a writer who was overtaken finds out.
            pipe.hincrby(state_of(generation), "writes", 1)
            await pipe.execute()


async def exists(redis: Redis, generation: str) -> bool:
    return index_of(generation) in await _indexes(redis)


async def go_live(redis: Redis, generation: str) -> None:
    """From here on it is the one that is searched, from one search to the next."""
    require_own(generation)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.execute_command("FT.ALIASUPDATE", ALIAS, index_of(generation))
        pipe.set(LIVE, generation)
        await pipe.execute()


async def retire_others(redis: Redis) -> None:
    """Drop every generation but the live one, those that a rebuild left unfinished included."""
    live = await live_generation(redis)
    if live is None:
        return
    for name in await _indexes(redis):
        if name.startswith(index_of("")) and name != index_of(live):
            await redis.execute_command("FT.DROPINDEX", name)  # type: ignore[no-untyped-call]
    kept = (LIVE, state_of(live), f"{state_of(live)}:", key_of(live, ""))
    for pattern in (key_of("*", "*"), state_of("*")):
        others: list[str] = []
        async for key in redis.scan_iter(pattern, count=1000):
            if not (key in kept or key.startswith(kept[2:])):
                others.append(key)
            if len(others) == 1000:
                await redis.unlink(*others)
                others.clear()
        if others:
            await redis.unlink(*others)


async def _indexes(redis: Redis) -> set[str]:
    names = await redis.execute_command("FT._LIST")  # type: ignore[no-untyped-call]
    return set(names)
