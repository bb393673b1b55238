"""The whole stack for the scenarios, as `make dev` starts it, in a temporary folder on free ports."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from core.database import Database
from devstack.demo.actors import Bank, Person, TemporalCommand
from devstack.servers.ports import free_port
from devstack.settings import DevstackSettings
from devstack.stack import Stack
from tests.scenarios.reading import Reader


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Ready, supervised, with the demo catalogue and accounts. Its children get none of this run's own settings."""
    folder = Path(tempfile.mkdtemp(prefix="tillwright-scenarios-"))
    folder.chmod(0o755)  # as root, Postgres runs as another user
    for name in [name for name in os.environ if name.startswith("TILLWRIGHT_")]:
        del os.environ[name]
    for limited in ("LOGINS", "READS", "WRITES"):  # a few demo accounts do everything for all scenarios
        os.environ[f"TILLWRIGHT_{limited}_PER_MINUTE"] = "100000"
    settings = DevstackSettings(
        _env_file=None,
        state_folder=folder / "state",
        api_port=free_port(),
        postgres_port=free_port(),
        redis_port=free_port(),
        temporal_port=free_port(),
        temporal_ui_port=free_port(),
        sandbox_port=free_port(),
        mailbox_port=free_port(),
        mailbox_smtp_port=free_port(),
    )
    with Stack(settings) as stack:
        stack.supervise_in_background()
        yield stack
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    base = f"http://{stack.settings.host}:{stack.settings.api_port}/api/v1"
    async with httpx.AsyncClient(base_url=base, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
async def bank(stack: Stack) -> AsyncIterator[Bank]:
    base = f"http://{stack.settings.host}:{stack.settings.sandbox_port}"
    async with httpx.AsyncClient(base_url=base, timeout=30) as client:
        yield Bank(client)


@pytest.fixture(scope="session")
async def books(stack: Stack) -> AsyncIterator[Database]:
    """The stack's own database."""
    database = Database(stack.settings.application_environment["TILLWRIGHT_DATABASE_URL"], application_name="scenarios")
    yield database
    await database.close()


@pytest.fixture(scope="session")
def command(stack: Stack) -> TemporalCommand:
    return TemporalCommand(f"{stack.settings.host}:{stack.settings.temporal_port}")


@pytest.fixture(scope="session")
async def staff(api: httpx.AsyncClient) -> Person:
    return await Person.sign_in(api, "staff@example.com")


@pytest.fixture
async def reader(stack: Stack, api: httpx.AsyncClient) -> Reader:
    """With new keys, and nothing in the cart of the README's customer."""
    customer = await Person.sign_in(api, "customer@example.com")
    assert (await customer.call("DELETE", "/carts/current")).status_code == 204
    return Reader(stack)
