"""The application with a meter before each of its servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis
from temporalio.client import Client
from temporalio.worker import Worker

from api.app import open_resources
from core.settings import DEFAULT_WEBHOOK_SECRET, Settings
from devstack.servers import Postgres, TemporalServer
from devstack.servers import Redis as RedisServer
from gateways.payments import WebhookEvent
from gateways.stripe_payments import StripePayments
from tests.api.conftest import Caller, SignIn
from tests.api.performance.meters import Calls, Meter, Turns
from tests.api.performance.scene import Scene
from tests.api.performance.trips import Meters
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.search import Index


class SignedPayments(FakePayments):
    """In memory, but for the signatures of webhooks, which are verified in earnest."""

    def __init__(self, stripe: StripePayments) -> None:
        super().__init__()
        self._stripe = stripe

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        return self._stripe.verify_webhook(payload, signature)


@pytest.fixture
async def gateway() -> AsyncIterator[FakePayments]:
    stripe = StripePayments("sk_test", base="http://127.0.0.1:9", webhook_secrets=[DEFAULT_WEBHOOK_SECRET])
    yield SignedPayments(stripe)
    await stripe.close()


@pytest.fixture
async def meters(
    app: FastAPI,
    api_settings: Settings,
    postgres: Postgres,
    redis_server: RedisServer,
    temporal_server: TemporalServer,
) -> AsyncIterator[Meters]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Meter(redis_server.port, Turns))
        database = await stack.enter_async_context(Meter(postgres.port, Turns))
        temporal = await stack.enter_async_context(Meter(temporal_server.port, Calls))
        settings = api_settings.model_copy(
            update={
                "redis_url": SecretStr(redis_server.url.replace(f":{redis_server.port}/", f":{redis.port}/")),
                "database_url": SecretStr(postgres.url.replace(f":{postgres.port}/", f":{database.port}/")),
                "temporal_address": f"127.0.0.1:{temporal.port}",
            }
        )
        resources = await stack.enter_async_context(open_resources(settings))
        app.state.resources = replace(resources, gateway=app.state.resources.gateway)
        yield Meters(redis, database, temporal, resources.database)


@pytest.fixture
async def scene(
    meters: Meters,
    worker: Worker,
    shop: Shop,
    redis: Redis,
    gateway: FakePayments,
    temporal: Client,
    sign_in: SignIn,
    customer: Caller,
    staff: Caller,
    anonymous: Caller,
) -> Scene:
    """With an index that searches are answered from."""
    skus = ["SMALL", "MEDIUM", "LARGE"]
    product_id, *_ = [await shop.product(sku, stock=100_000) for sku in skus]
    await Index(shop.database, redis).build()
    admin = await sign_in("admin")
    return Scene(shop, gateway, temporal, sign_in, customer, staff, admin, anonymous, product_id, skus)
