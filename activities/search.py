"""project_changes keeps the search index in step; begin, fill, swap and retire build the next generation of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import WatchError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from core.database import Database
from domain.messages.search import (
    GENERATION_LOST,
    BeginGeneration,
    Filled,
    FillGeneration,
    Generation,
    ProjectChanges,
    Projected,
    RetireGenerations,
)
from services.search import index, projecting
from services.search.index import GenerationLost

POLL = 0.25
"""Seconds between two looks at the outbox: a change is found well within a second."""

SHIFT = timedelta(minutes=10)
"""How long one run follows the outbox. At the start of each it sees to what needs to be done now and then."""

BATCHES = 25
"""In one step of filling: some seconds, after which the next step goes on where it ended."""


class SearchActivities:
    def __init__(self, database: Database, redis: Redis, shift: timedelta = SHIFT) -> None:
        self._database = database
        self._redis = redis
        self._shift = shift

    @activity.defn
    async def project_changes(self, step: ProjectChanges) -> Projected:
        """Follow the outbox until the shift or the worker ends, or until there is no index to keep in step."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._shift.total_seconds()
        try:
            if not await self._may_follow():
                return Projected(needs_rebuild=True)
            while loop.time() < end and not activity.is_worker_shutdown():
                if await self._project() < projecting.BATCH:
                    await asyncio.sleep(POLL)
        except GenerationLost:
            return Projected(needs_rebuild=True)
        return Projected()

    @activity.defn
    async def begin_generation(self, step: BeginGeneration) -> Generation:
        """Make an empty index beside the live one. What the outbox gets from now on, `swap_generation` brings in."""
        generation = index.generation_named(step.name)
        async with self._database.reading() as session:
            await projecting.begin(session, self._redis, generation)
        return Generation(generation)

    @activity.defn
    async def fill_generation(self, step: FillGeneration) -> Filled:
        """Write the next products. Raises `generation-lost`."""
        after = UUID(step.after) if step.after else None
        with _lost_for_good():
            for _ in range(BATCHES):
                async with self._database.reading() as session:
                    after = await projecting.fill(session, self._redis, step.generation, after)
                if after is None:
                    break
        return Filled(str(after) if after else None)

    @activity.defn
    async def swap_generation(self, step: Generation) -> None:
        """Bring it up to date and make it the one that is searched. Raises `generation-lost`."""
        with _lost_for_good():
            await self._catch_up(step.generation)
            await index.go_live(self._redis, step.generation)
            await self._catch_up(step.generation)

    @activity.defn
    async def retire_generations(self, step: RetireGenerations) -> None:
        """Drop what is no longer searched, a few documents at a time."""
        await index.retire_others(self._redis)

    async def _may_follow(self) -> bool:
        generation = await index.live_generation(self._redis)
        if generation is None or not await index.exists(self._redis, generation):
            return False
        async with self._database.transaction() as session:
            await projecting.forget(session)
        async with self._database.reading() as session:
            return await projecting.is_trusted(session, self._redis, generation)

    async def _project(self) -> int:
        generation = await index.live_generation(self._redis)
        if generation is None:
            raise GenerationLost
        return await self._bring_up(generation)

    async def _catch_up(self, generation: str) -> None:
        while await self._bring_up(generation):
            pass

    async def _bring_up(self, generation: str) -> int:
        """By one batch; 0 when there was nothing to do."""
        try:
            async with self._database.reading() as session:
                return await projecting.project(session, self._redis, generation)
        except WatchError:  # somebody else wrote it meanwhile: look again
            return 1


@contextmanager
def _lost_for_good() -> Iterator[None]:
    try:
        yield
    except GenerationLost as lost:
        message = "Redis lost the generation that is being built."
        raise ApplicationError(message, type=GENERATION_LOST, non_retryable=True) from lost
