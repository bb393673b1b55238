"""The real API in this process, on real servers and a real worker; only the payment provider is in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis
from temporalio.client import Client
from temporalio.service import RetryConfig
from temporalio.worker import Worker

from api.app import create_app, open_resources
from api.checkouts import Checkouts
from api.dependencies import Resources
from core.database import Database
from core.settings import Settings
from devstack.servers import Postgres, TemporalServer
from devstack.servers import Redis as RedisServer
from domain.permissions import Role
from gateways.stripe_payments import StripePayments
from tests.api.wire import Wire
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import list_activities, running_workers

BASE = "http://shop.test/api/v1"


class Caller(httpx.AsyncClient):
    """Somebody with a token, or nobody: then `user_id` is None."""

    user_id: UUID | None = None


SignIn = Callable[..., Awaitable[Caller]]


@dataclass
class Wires:
    """The API's connections, each of which can be cut."""

    postgres: Wire
    redis: Wire
    temporal: Wire


@pytest.fixture(scope="session")
def api_settings(settings: Settings) -> Settings:
    """A task queue of its own, since others test on the same server, and a deadline that a busy machine keeps.

    The worker runs as it does in production: that each task is a replay is what tests/workflows are for.
    """
    return settings.model_copy(
        update={
            "task_queue": "checkout-api",
            "worker_sandbox": False,
            "worker_max_cached_workflows": 1000,
            "checkout_reply_deadline": timedelta(seconds=60),
            "reconciliation_settling": timedelta(0),
            "log_level": "CRITICAL",
        }
    )


@pytest.fixture(scope="session")
async def running_app(api_settings: Settings, migrated: None, temporal: Client) -> AsyncIterator[FastAPI]:
    app = create_app(api_settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def app(running_app: FastAPI, database: Database, redis: Redis, gateway: FakePayments) -> AsyncIterator[FastAPI]:
    """The application with an empty shop and a provider in memory; what a test changes of it is put back."""
    resources: Resources = running_app.state.resources
    running_app.state.resources = replace(resources, gateway=gateway)
    yield running_app
    running_app.state.resources = resources


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    resources: Resources = app.state.resources
    return resources


@pytest.fixture
async def worker(
    temporal: Client, api_settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> AsyncIterator[Worker]:
    activities = list_activities(api_settings, database, redis, gateway)
    async with running_workers(temporal, api_settings, activities) as worker:
        yield worker


@pytest.fixture
async def sign_in(app: FastAPI, resources: Resources, shop: Shop) -> AsyncIterator[SignIn]:
    """`await sign_in()` is a new customer, `await sign_in("staff")` one of the staff."""
    async with AsyncExitStack() as stack:

        async def sign_in(role: str = "customer") -> Caller:
            user_id = await shop.user(role)
            caller = await stack.enter_async_context(_caller(app))
            caller.headers["Authorization"] = f"Bearer {resources.tokens.issue(user_id, Role(role), uuid4())}"
            caller.user_id = user_id
            return caller

        yield sign_in


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[Caller]:
    async with _caller(app) as caller:
        yield caller


@pytest.fixture
async def customer(sign_in: SignIn) -> Caller:
    return await sign_in()


@pytest.fixture
async def stranger(sign_in: SignIn) -> Caller:
    """Another customer."""
    return await sign_in()


@pytest.fixture
async def staff(sign_in: SignIn) -> Caller:
    return await sign_in("staff")


@pytest.fixture
async def wires(
    app: FastAPI,
    api_settings: Settings,
    postgres: Postgres,
    redis_server: RedisServer,
    temporal_server: TemporalServer,
) -> AsyncIterator[Wires]:
    """The application on resources of its own, which reach the servers through these."""
    async with AsyncExitStack() as stack:
        to = [postgres.port, redis_server.port, int(temporal_server.address.rpartition(":")[2])]
        wires = Wires(*[await stack.enter_async_context(Wire(port)) for port in to])
        settings = api_settings.model_copy(
            update={
                "database_url": SecretStr(postgres.url.replace(f":{postgres.port}/", f":{wires.postgres.port}/")),
                "redis_url": SecretStr(redis_server.url.replace(f":{redis_server.port}/", f":{wires.redis.port}/")),
                "temporal_address": f"127.0.0.1:{wires.temporal.port}",
            }
        )
        resources = await stack.enter_async_context(open_resources(settings))
        # The SDK would repeat a call for ten seconds before it says that the server is away.
        temporal = await Client.connect(settings.temporal_address, retry_config=RetryConfig(max_retries=1))
        checkouts = Checkouts(resources.database, temporal, settings)
        app.state.resources = replace(
            resources, gateway=app.state.resources.gateway, temporal=temporal, checkouts=checkouts
        )
        yield wires


@pytest.fixture
async def signed_webhooks(app: FastAPI, resources: Resources) -> AsyncIterator[None]:
    """Signatures of webhooks are verified as in earnest. The provider itself is not there, nor asked."""
    changes = {
        "stripe_api_base": "http://127.0.0.1:9", "stripe_webhook_retired_secrets": (SecretStr("whsec_of_last_year"),),
    }  # fmt: skip
    gateway = StripePayments.from_settings(resources.settings.model_copy(update=changes))
    app.state.resources = replace(resources, gateway=gateway)
    yield
    await gateway.close()


def _caller(app: FastAPI) -> Caller:
    # A bug's answer is looked at as a client sees it: not raised into the test.
    return Caller(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE, timeout=60)
