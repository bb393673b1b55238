"""Builds the API: its resources, its routes under /api/v1 and /api, its problems. The only place that wires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import headers, openapi, problems
from api.checkouts import Checkouts
from api.clicks import Clicks
from api.dependencies import Resources
from api.fulfilments import Fulfilments
from api.gate import GATE
from api.live import Live
from api.middleware import BodyLimit, Bugs, HeadAsGet, RequestIds
from api.refunds import Refunds
from api.returns import Returns
from api.routes import (
    accounts,
    api_keys,
    audit,
    carts,
    catalogue,
    customers,
    health,
    inventory,
    jwks,
    metrics,
    notifications,
    operations,
    orders,
    payments,
    reconciliations,
    returns,
    staff,
)
from api.schemas import common as schemas
from api.searching import Searches
from api.templates import list_templates
from api.tokens import Tokens
from core.database import Database
from core.logging import configure_logging
from core.news import News
from core.redis import connect_redis
from core.settings import Settings, get_settings
from core.temporal import connect_temporal
from gateways.stripe_payments import StripePayments
from services.carts import CartStore
from services.limits import Limiter, LocalLimiter
from services.login_guard import LoginGuard

_DESCRIPTION = """A store's backend whose checkout cannot get lost.

Sign in with `POST /auth/login`, put something into the cart, and check out with an `Idempotency-Key`:
the same click, however often it is sent, makes one order. Money is integer minor units. Errors are problem
documents (RFC 9457) with a stable `code`."""


FEATURES = (
    accounts, api_keys, customers, staff, catalogue, carts, orders, payments, returns, notifications,
    reconciliations, inventory, operations, audit,
)  # fmt: skip

TEMPORAL_INSIST = timedelta(seconds=2)
"""An outage is told well within the reply deadline: a checkout is sent twice, and the client sends it again."""


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Everything one API process holds, closed at the end."""
    database = Database.from_settings(settings, "tillwright-api")
    redis = connect_redis(settings)
    gateway = StripePayments.from_settings(settings)
    carts_ = CartStore.from_settings(redis, settings)
    limiter, local_limiter = Limiter(redis), LocalLimiter()
    try:
        temporal = await connect_temporal(settings, insist=TEMPORAL_INSIST)
        async with News.from_settings(settings, "tillwright-api") as news:
            yield Resources(
                settings=settings,
                database=database,
                redis=redis,
                carts=carts_,
                limiter=limiter,
                local_limiter=local_limiter,
                login_guard=LoginGuard(limiter, local_limiter, settings.logins_per_minute),
                temporal=temporal,
                gateway=gateway,
                tokens=Tokens(settings),
                clicks=Clicks(database, carts_),
                checkouts=Checkouts(database, temporal, settings),
                fulfilments=Fulfilments(database, temporal, settings.task_queue),
                refunds=Refunds(database, temporal, settings),
                returns=Returns(database, temporal, settings),
                searches=Searches(database, redis),
                live=Live(database, redis, news),
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
            chores = (
                resources.checkouts.keep_forgetting(),
                resources.refunds.keep_sending(),
                resources.returns.keep_starting(),
            )
            janitors = [asyncio.create_task(chore) for chore in chores]
            yield
            for janitor in janitors:
                janitor.cancel()
                with suppress(asyncio.CancelledError):
                    await janitor

    app = FastAPI(
        title="Tillwright",
        version="1",
        description=_DESCRIPTION,
        docs_url="/api/docs",
        swagger_ui_oauth2_redirect_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    problems.install(app)
    _surround(app, configured)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(jwks.router)
    shop = APIRouter(dependencies=[GATE], responses=schemas.problems(s422=schemas.NOT_VALID))
    for feature in FEATURES:
        shop.include_router(feature.router)
    app.include_router(shop, prefix="/api/v1")
    app.include_router(shop, prefix="/api", include_in_schema=False)
    for prefix in ("/api/v1", "/api"):
        app.include_router(notifications.socket.router, prefix=f"{prefix}/notifications")
    app.state.templates = list_templates(app)
    openapi.describe(app)
    return app


def _surround(app: FastAPI, settings: Settings) -> None:
    """The middleware, from the inside out."""
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit)
    app.add_middleware(Bugs)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=headers.ACCEPTED,
            expose_headers=headers.EXPOSED,
        )
    app.add_middleware(RequestIds)
