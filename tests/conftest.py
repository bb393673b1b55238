"""Real servers for the whole run, started in a temporary folder on free ports; a clean database for each test."""

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from redis.asyncio import Redis
from sqlalchemy import text
from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment

from core.database import Database
from core.redis import connect_redis
from core.settings import Environment, Settings, get_settings
from core.temporal import connect_temporal, register_search_attributes
from devstack.mailbox.inbox import Inbox
from devstack.mailbox.smtp import listen
from devstack.servers import Postgres, TemporalServer
from devstack.servers import Redis as RedisServer
from devstack.servers.ports import free_port
from devstack.servers.temporal import test_server_path
from models.base import metadata
from services.carts import CartStore
from tests.books import watched
from tests.builders import Shop
from tests.fakes.payments import FakePayments

HOST, PASSWORD = "127.0.0.1", "test-password"

# The SDK's core writes warnings past pytest's capture, among them one per worker on the server that skips time.
Runtime.set_default(
    Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))))
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="Write the histories of tests marked `history` to tests/histories/{version}: make histories.",
    )
    parser.addoption(
        "--write-round-trips",
        action="store_true",
        help="Write what tests/api/performance counts into the table of docs/performance.md.",
    )


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """CPython 3.11 may abort while it tears the Temporal SDK down: end first, with the result of the run.

    A process that runs tests for another has told its result by then, and nobody looks at how it ends.
    """
    session = config.stash.get(_SESSION, None)
    if session is not None and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(session))


_SESSION: pytest.StashKey[int] = pytest.StashKey()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_SESSION] = int(exitstatus)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tillwright-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder, host=HOST, port=free_port(), password=PASSWORD)
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="session")
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder, host=HOST, port=free_port(), password=PASSWORD)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def temporal_server(folder: Path) -> Iterator[TemporalServer]:
    server = TemporalServer(folder, host=HOST, port=free_port(), ui_port=free_port())
    server.start()
    yield server
    server.kill()  # asked to stop, it waits for clients, and its state is thrown away


@pytest.fixture(scope="session")
def settings(postgres: Postgres, redis_server: RedisServer, temporal_server: TemporalServer) -> Settings:
    """The application's settings, pointed at the servers of this run, with every workflow task a full replay."""
    os.environ.update(
        TILLWRIGHT_ENVIRONMENT=Environment.TEST,
        TILLWRIGHT_DATABASE_URL=postgres.url,
        TILLWRIGHT_REDIS_URL=redis_server.url,
        TILLWRIGHT_TEMPORAL_ADDRESS=temporal_server.address,
        TILLWRIGHT_SMTP_PORT=str(free_port()),
        TILLWRIGHT_WORKER_SANDBOX="true",
        TILLWRIGHT_WORKER_MAX_CACHED_WORKFLOWS="0",
    )
    get_settings.cache_clear()
    return get_settings().model_copy(update={"worker_graceful_shutdown": timedelta(seconds=1)})


@pytest.fixture(scope="session")
def migrated(settings: Settings) -> None:
    root = Path(__file__).parent.parent
    config = Config(str(root / "alembic.ini"))
    config.set_main_option("script_location", str(root / "migrations"))
    command.upgrade(config, "head")


async def hurry(database: Database) -> None:
    """Commits need not outlive the machine here: what a crash leaves is for the scenarios, on a stack of their own."""
    async with database.transaction() as session:
        await session.execute(text("ALTER DATABASE tillwright SET synchronous_commit = off"))
    await database.engine.dispose()


@pytest.fixture(scope="session")
async def connected(settings: Settings, migrated: None) -> AsyncIterator[Database]:
    database = Database(settings.database_url.get_secret_value(), application_name="tests")
    await hurry(database)
    yield database
    await database.close()


TABLES = [table for table in metadata.tables if table != "locations"]
EMPTYING = f"""
DO $$
DECLARE tables text[] := ARRAY{TABLES!r};
BEGIN
    IF (SELECT sum(pg_relation_size(name::regclass)) FROM unnest(tables) AS name) > 4000000 THEN
        TRUNCATE {", ".join(TABLES)};
    ELSE  -- ten times as fast where there is little in them
        SET LOCAL session_replication_role = replica;
        FOR n IN 1 .. array_length(tables, 1) LOOP
            EXECUTE format('DELETE FROM %I', tables[n]);
        END LOOP;
        SET LOCAL session_replication_role = origin;
    END IF;
    DELETE FROM locations WHERE code <> 'main';
END $$
"""  # noqa: S608 — the names of our tables


@pytest.fixture
async def database(connected: Database) -> Database:
    """Migrated and empty, but for the main location."""
    async with connected.transaction() as session:
        await session.execute(text(EMPTYING))
    return connected


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect_redis(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def carts(redis: Redis, settings: Settings) -> CartStore:
    return CartStore.from_settings(redis, settings)


@pytest.fixture(scope="session")
async def mailbox(settings: Settings) -> AsyncIterator[Inbox]:
    """The mail relay of this run."""
    inbox = Inbox()
    server = await listen(inbox, HOST, settings.smtp_port)
    yield inbox
    server.close()


@pytest.fixture
def letters(mailbox: Inbox) -> Inbox:
    """Empty, and filled by whatever sends mail."""
    mailbox.clear()
    return mailbox


@pytest.fixture
def gateway() -> FakePayments:
    return FakePayments()


@pytest.fixture(scope="session")
async def auditor(settings: Settings, migrated: None) -> AsyncIterator[Database]:
    """A connection of its own, since some tests count what goes over theirs."""
    database = Database(settings.database_url.get_secret_value(), pool_size=1, application_name="auditor")
    yield database
    await database.close()


@pytest.fixture
async def shop(
    database: Database, auditor: Database, carts: CartStore, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    """Its books are watched while the test runs, unless it is marked as one that spoils them."""
    async with nullcontext() if request.node.get_closest_marker("spoils_books") else watched(auditor):
        yield Shop(database, carts)


@pytest.fixture(scope="session")
async def temporal(settings: Settings) -> Client:
    """A client of the real server, which has visibility and remembers updates of closed workflows."""
    client = await connect_temporal(settings)
    await register_search_attributes(client)
    return client


@pytest.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server on which three days pass in a moment.

    Each test has its own: a child that outlives its parent stops the skipping for good, and a workflow that is left
    running slows whatever comes after it.
    """
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(test_server_path())) as env:
        yield env
