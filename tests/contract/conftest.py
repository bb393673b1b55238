"""The API on a port of its own, as a client that knows only its document meets it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import uvicorn
from fastapi import FastAPI

from api.dependencies import Resources
from devstack.servers.ports import free_port
from tests.api.conftest import (  # noqa: F401 — its fixtures
    anonymous,
    api_settings,
    app,
    customer,
    resources,
    running_app,
    sign_in,
    staff,
    worker,
)
from tests.api.shopping import until

HOST = "127.0.0.1"


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:  # noqa: F811
    """Its address. No account is limited: these clients send more in a minute than a shopper does."""
    found: Resources = app.state.resources
    amounts = {name: 10**9 for name in type(found.settings).model_fields if name.endswith("_per_minute")}
    app.state.resources = replace(found, settings=found.settings.model_copy(update=amounts))
    port = free_port(HOST)
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())

    async def listens() -> bool:
        return server.started

    await until(listens)
    yield f"http://{HOST}:{port}"
    server.should_exit = True
    await serving
