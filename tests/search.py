"""A search index in step with the catalogue, brought there by the services alone: no worker, no waiting."""

from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from core.database import Database
from services.invariants import Finding
from services.search import comparing, index, projecting


class Index:
    """The index of a test: `build` it, `follow` the outbox, and look whether it is `in_step`."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis: Any = redis  # its stubs do not know the commands of modules

    async def begin(self) -> str:
        generation = index.generation_named(uuid4().hex[:12])
        async with self.database.reading() as session:
            await projecting.begin(session, self.redis, generation)
        return generation

    async def fill(self, generation: str) -> None:
        after, is_more = None, True
        while is_more:
            async with self.database.reading() as session:
                after = await projecting.fill(session, self.redis, generation, after)
            is_more = after is not None

    async def build(self) -> str:
        """Whole, and live."""
        generation = await self.begin()
        await self.fill(generation)
        await self.follow(generation)
        await index.go_live(self.redis, generation)
        return generation

    async def follow(self, generation: str | None = None) -> int:
        """How many changes that were."""
        generation = generation or await index.live_generation(self.redis)
        assert generation is not None
        followed = 0
        async with self.database.reading() as session:
            while batch := await projecting.project(session, self.redis, generation):
                followed += batch
        return followed

    async def compared(self) -> Finding:
        async with self.database.snapshot() as session:
            return await comparing.compare(session, self.redis)

    async def require_in_step(self) -> None:
        finding = await self.compared()
        assert finding.offenders == []

    async def document(self, product_id: object) -> dict[str, str]:
        generation = await index.live_generation(self.redis)
        found: dict[str, str] = await self.redis.hgetall(index.key_of(generation or "", str(product_id)))
        return found
