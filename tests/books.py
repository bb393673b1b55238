"""The books, looked at while a test runs and when it has ended: what must hold at any instant holds at every look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from core.database import Database
from services import invariants
from services.invariants import Finding

AT_ANY_INSTANT = {"S1", "S2", "S3", "M1", "M2", "M3", "M7"}
"""The other invariants hold at rest: an order in motion may break them for a moment."""

LOOK_EVERY = 0.1
"""Seconds."""


async def violations(database: Database, names: set[str] | None = None) -> list[Finding]:
    """Of these invariants, or of all that the database alone can answer for, in one snapshot."""
    wanted = [one for one in invariants.ALL if names is None or one.name in names]
    async with database.snapshot() as session:
        return [finding for finding in await invariants.check(session, wanted) if finding.violations]


@asynccontextmanager
async def watched(database: Database) -> AsyncIterator[None]:
    """Fails at the end of the block when a look in between, or the last one, found the books wrong."""
    found: list[Finding] = []

    async def look() -> None:
        while not found:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(OSError):  # a test may take the database away
                found.extend(await violations(database, AT_ANY_INSTANT))

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    found += await violations(database, AT_ANY_INSTANT)
    assert found == []
