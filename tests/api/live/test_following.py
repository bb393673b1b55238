"""What everybody who listens in one process shares: a few connections, for as long as a query takes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.live import Listener, Live, Over
from api.live.following import READS_AT_ONCE
from api.tokens import Caller
from core.database import Database
from core.news import News
from core.settings import Settings
from domain.permissions import Role
from services.following import Found

CALLER = Caller(uuid4(), Role.CUSTOMER)


@pytest.fixture
async def one_connection(settings: Settings, migrated: None) -> AsyncIterator[Database]:
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    yield database
    await database.close()


@pytest.fixture
async def live(one_connection: Database, redis: Redis, settings: Settings) -> AsyncIterator[Live]:
    async with News.from_settings(settings, "tests") as news:
        yield Live(one_connection, redis, news)


async def backend(database: Database) -> int:
    async with database.reading() as session:
        return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_who_goes_while_rows_are_read_costs_the_pool_no_connection(live: Live, one_connection: Database) -> None:
    before, is_asking = await backend(one_connection), asyncio.Event()

    async def look(session: AsyncSession) -> Found[int]:
        is_asking.set()
        await session.execute(text("SELECT pg_sleep(0.1)"))
        return Found([1])

    async def listen() -> list[object]:
        return [item async for item in live.follow("user:1", look, Listener.of(CALLER))]

    listening = asyncio.create_task(listen())
    await is_asking.wait()
    listening.cancel()
    await asyncio.wait([listening])
    assert listening.cancelled()
    assert await backend(one_connection) == before


async def test_only_a_few_read_at_once_however_many_are_woken(
    database: Database, redis: Redis, settings: Settings
) -> None:
    live = Live(database, redis, News.from_settings(settings, "tests"))
    reading, most, done = 0, 0, 0

    async def look(session: AsyncSession) -> Found[int]:
        nonlocal reading, most, done
        reading += 1
        most = max(most, reading)
        await session.execute(text("SELECT 1"))
        reading -= 1
        done += 1
        return Found([], is_last=True)

    async def listen() -> None:
        async for _ in live.follow("user:1", look, Listener.of(CALLER)):
            pass

    await asyncio.gather(*[listen() for _ in range(50)])
    assert done == 50
    assert most == READS_AT_ONCE


async def test_a_look_that_fails_is_tried_again_and_ends_nothing(live: Live) -> None:
    tries = 0

    async def look(session: AsyncSession) -> Found[str]:
        nonlocal tries
        tries += 1
        if tries == 1:
            await session.execute(text("SELECT 1 / 0"))
        return Found(["found"], is_last=True)

    assert [item async for item in live.follow("user:1", look, Listener.of(CALLER))] == ["found"]
    assert tries == 2


async def test_a_client_that_takes_its_time_is_not_told_on_after_its_token(
    database: Database, redis: Redis, settings: Settings
) -> None:
    """What was read for it already is not sent either."""
    live = Live(database, redis, News.from_settings(settings, "tests"), heartbeat=0)
    listener = Listener.of(replace(CALLER, expires_at=datetime.now(UTC) + timedelta(minutes=1)))

    async def look(session: AsyncSession) -> Found[int]:
        return Found([1, 2, 3])

    followed = live.follow("user:1", look, listener)
    assert await anext(followed) == 1
    listener.caller = replace(listener.caller, expires_at=datetime.now(UTC))
    with pytest.raises(Over):
        await anext(followed)
