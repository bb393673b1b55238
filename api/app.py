"""Builds the API: its resources, its routes under /api/v1 and /api, its problems. The only place that wires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from fastapi import APIRouter, FastAPI

from api import problems
from api.checkouts import Checkouts
from api.clicks import Clicks
from api.dependencies import Resources
from api.middleware import BodyLimit, RequestIds
from api.routes import accounts, carts, catalogue, health, inventory, operations, orders, payments
from api.schemas import common as schemas
from api.tokens import Tokens
from core.database import Database
from core.logging import configure_logging
from core.redis import connect_redis
from core.settings import Settings, get_settings
from core.temporal import connect_temporal
from gateways.stripe_payments import StripePayments
from services.carts import CartStore

_DESCRIPTION = """A store's backend whose checkout cannot get lost.

Sign in with `POST /auth/login`, put something into the cart, and check out with an `Idempotency-Key`:
the same click, however often it is sent, makes one order. Money is integer minor units. Errors are problem
documents (RFC 9457) with a stable `code`."""


TEMPORAL_INSIST = timedelta(seconds=2)
"""An outage is told well within the reply deadline: a checkout is sent twice, and the client sends it again."""


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Everything one API process holds, closed at the end."""
    database = Database.from_settings(settings, "tillwright-api")
    redis = connect_redis(settings)
    gateway = StripePayments.from_settings(settings)
    carts_ = CartStore(redis, lifetime=settings.cart_lifetime, max_lines=settings.max_cart_lines)
    try:
        temporal = await connect_temporal(settings, insist=TEMPORAL_INSIST)
        yield Resources(
            settings=settings,
            database=database,
            redis=redis,
            carts=carts_,
            temporal=temporal,
            gateway=gateway,
            tokens=Tokens(settings),
            clicks=Clicks(database, carts_),
            checkouts=Checkouts(database, temporal, settings),
        )
    finally:
        await gateway.close()
        await redis.aclose()
        await database.close()


def create_app(settings: Settings | None = None) -> FastAPI:
    """What uvicorn runs: `uvicorn api.app:create_app --factory`."""
    configured = settings or get_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(configured)
        async with open_resources(configured) as resources:
            app.state.resources = resources
            janitor = asyncio.create_task(resources.checkouts.keep_forgetting())
            yield
            janitor.cancel()
            with suppress(asyncio.CancelledError):
                await janitor

    app = FastAPI(
        title="Tillwright",
        version="1",
        description=_DESCRIPTION,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestIds)
    app.include_router(health.router)
    shop = APIRouter(responses=schemas.problems(s422=schemas.NOT_VALID))
    for feature in (accounts, catalogue, carts, orders, payments, inventory, operations):
        shop.include_router(feature.router)
    app.include_router(shop, prefix="/api/v1")
    app.include_router(shop, prefix="/api", include_in_schema=False)
    return app
