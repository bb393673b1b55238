"""The books, looked at while a test runs and when it has ended: what must hold at any instant holds at every look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from core.database import Database
from services import invariants

AT_ANY_INSTANT = {"S1", "S2", "S3", "M1", "M2", "M3", "M7"}
"""The other invariants hold at rest: an order in motion may break them for a moment."""

LOOK_EVERY = 0.2
"""Seconds."""

_LOOK = " UNION ALL ".join(
    f"(SELECT '{one.name}' AS name, offender FROM ({one.rows}) AS rows WHERE bad)"  # noqa: S608 — constants
    for one in invariants.ALL
    if one.name in AT_ANY_INSTANT
)


async def violations(database: Database) -> list[tuple[str, str]]:
    """(invariant, offender) of those that hold at any instant, in one query and so of one instant."""
    async with database.reading() as session:
        return [(name, offender) for name, offender in await session.execute(text(_LOOK))]


@asynccontextmanager
async def watched(database: Database) -> AsyncIterator[None]:
    """Fails at the end of the block when a look in between, or the last one, found the books wrong."""
    found: list[tuple[str, str]] = []

    async def look() -> None:
        while not found:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(OSError):  # a test may take the database away
                found.extend(await violations(database))

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    found += await violations(database)
    assert found == []
