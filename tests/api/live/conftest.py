"""The API on a port of its own: what streams cannot be read from in memory."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.dependencies import Resources
from api.live import Live
from tests.api.conftest import Wires
from tests.api.live.listening import serving
from tests.api.shopping import until


@pytest.fixture
async def live(resources: Resources) -> AsyncIterator[Live]:
    """What is open. At the end of each test it is nothing."""
    yield resources.live

    async def nobody_listens() -> bool:
        return resources.live.open_streams == 0

    await until(nobody_listens)


@pytest.fixture
async def served(app: FastAPI, live: Live) -> AsyncIterator[str]:
    """Its address."""
    async with serving(app) as address:
        yield address


@pytest.fixture
async def far(wires: Wires, app: FastAPI) -> AsyncIterator[str]:
    """Its address, where it reaches its servers over wires that can be cut."""
    async with serving(app) as address:
        yield address


@pytest.fixture
def nervous(app: FastAPI) -> None:
    """Its heartbeats come so often that a test can wait for them."""
    resources: Resources = app.state.resources
    live = Live(resources.database, resources.redis, resources.live.news, heartbeat=0.05)
    app.state.resources = replace(resources, live=live)
