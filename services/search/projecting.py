"""From the outbox to the index: what was written since the position that Redis remembers, in order, batch by batch."""

from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.search import index, synonyms
from services.search.documents import documents, next_documents
from services.search.index import Position

BATCH = 200
"""Documents in one MULTI: Redis does nothing else for about ten milliseconds."""

KEPT_DAYS = 7
"""How long a row stays in the outbox: longer than any Redis is put back in time."""
TRUSTED_DAYS = 6
"""A position that was said earlier may be followed by rows that are deleted already."""

# Rows of a transaction are read when none that is older is still running: none can slip in behind the position.
_CHANGES = text(
    """SELECT xid::text, id, product_id, extract(epoch FROM now()) FROM search_changes
    WHERE (xid, id) > (CAST(CAST(:xid AS text) AS xid8), :id) AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY search_changes.xid, search_changes.id LIMIT :count"""
)
_NOW = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text, extract(epoch FROM now())")
_FORGET = text("DELETE FROM search_changes WHERE at < now() - make_interval(days => :days)")


async def now(session: AsyncSession) -> Position:
    """Everything before it has been committed or undone, and is seen by whoever reads the database from now on."""
    xid, at = (await session.execute(_NOW)).one()
    return Position(xid, 0, float(at))


async def begin(session: AsyncSession, redis: Redis, generation: str) -> None:
    """An empty generation, to be filled with what the database has from now on."""
    await index.create(redis, generation, await now(session))


async def fill(session: AsyncSession, redis: Redis, generation: str, after: UUID | None) -> UUID | None:
    """Write the next products by id; the last one's id, or None when there are no more."""
    async with index.writing(redis, generation) as writing:
        found = await next_documents(session, after, BATCH)
        writing.put(found)
        if after is None:
            await _synonyms(session, writing)
    return found[-1].id if found else None


async def project(session: AsyncSession, redis: Redis, generation: str) -> int:
    """Bring the generation up by one batch; how many changes that were. On a session that reads what is committed."""
    async with index.writing(redis, generation) as writing:
        at = writing.position
        changes = (await session.execute(_CHANGES, {"xid": at.xid, "id": at.id, "count": BATCH})).all()
        if not changes:
            return 0
        changed = {product_id for _, _, product_id, _ in changes}
        found = await documents(session, sorted(changed))
        writing.put(found, gone=changed - {document.id for document in found})
        if synonyms.CHANGED in changed:
            await _synonyms(session, writing)
        xid, number, _, moment = changes[-1]
        writing.move_to(Position(xid, number, float(moment)))
    return len(changes)


async def is_trusted(session: AsyncSession, redis: Redis, generation: str) -> bool:
    """Whether every change after the generation's position is still to be read. If so, says so again for some days."""
    async with index.writing(redis, generation) as writing:
        moment = await now(session)
        came_to = writing.position
        from_another_history = int(came_to.xid) > int(moment.xid)
        too_old = moment.at - came_to.at > TRUSTED_DAYS * 86_400
        if from_another_history or too_old:
            return False
        writing.remember({"at": moment.at})
    return True


async def forget(session: AsyncSession, days: int = KEPT_DAYS) -> None:
    """Delete what every position that is trusted has behind it."""
    await session.execute(_FORGET, {"days": days})


async def _synonyms(session: AsyncSession, writing: index.Writing) -> None:
    table = await synonyms.table(session)
    writing.remember({"synonyms": table, "synonyms_version": synonyms.version_of(table)})
