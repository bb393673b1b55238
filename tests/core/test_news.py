"""Hints reach whoever waits for them, and nobody waits for ever for one that was lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from core.database import Database
from core.news import News
from core.settings import Settings
from devstack.servers import Postgres
from tests.api.wire import Wire
from tests.notices import hint

PATIENCE = 20.0


@pytest.fixture
async def wire(postgres: Postgres) -> AsyncIterator[Wire]:
    async with Wire(postgres.port) as wire:
        yield wire


@pytest.fixture
async def news(wire: Wire, postgres: Postgres, settings: Settings) -> AsyncIterator[News]:
    """Connected, over a wire that can be cut."""
    async with News(postgres.url.replace(f":{postgres.port}/", f":{wire.port}/")) as news:
        async with asyncio.timeout(PATIENCE):
            await news.is_connected.wait()
        yield news


async def test_a_hint_wakes_everybody_who_waits_for_its_topic_and_nobody_else(news: News, database: Database) -> None:
    with news.subscribed("user:1") as first, news.subscribed("user:1") as second, news.subscribed("user:2") as other:
        await hint(database, "user:1")
        assert await first.wait(PATIENCE)
        assert await second.wait(PATIENCE)
        assert not await other.wait(0), "not theirs"


async def test_hints_that_come_while_one_is_busy_are_one(news: News, database: Database) -> None:
    with news.subscribed("user:1") as busy, news.subscribed("mail") as last:
        for topic in ("user:1", "user:1", "user:1", "mail"):
            await hint(database, topic)
        assert await last.wait(PATIENCE)
        assert await busy.wait(0)
        assert not await busy.wait(0)


async def test_a_lost_connection_wakes_everybody_once_there_is_another(
    news: News, wire: Wire, database: Database
) -> None:
    with news.subscribed("user:1") as waiting:
        wire.cut()
        await hint(database, "user:1")  # which nobody listens for
        await wire.mend()
        assert await waiting.wait(PATIENCE), "what was hinted at meanwhile is to be looked for"
        await hint(database, "user:1")
        assert await waiting.wait(PATIENCE)


async def test_a_connection_that_the_server_ends_is_replaced(news: News, database: Database) -> None:
    with news.subscribed("user:1") as waiting:
        async with database.transaction() as session:
            await session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tillwright'")
            )
        assert await waiting.wait(PATIENCE)


async def test_it_waits_for_a_database_that_is_away_at_the_start(
    wire: Wire, postgres: Postgres, database: Database
) -> None:
    wire.cut()
    async with News(postgres.url.replace(f":{postgres.port}/", f":{wire.port}/")) as news:
        with news.subscribed("mail") as waiting:
            assert not await waiting.wait(0)
            await wire.mend()
            assert await waiting.wait(PATIENCE)


async def test_nothing_is_kept_of_who_has_gone(news: News) -> None:
    with news.subscribed("user:1"), news.subscribed("user:1"), news.subscribed("user:2"):
        assert news.subscribers == 3
    assert news.subscribers == 0
