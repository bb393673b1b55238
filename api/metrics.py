"""What Prometheus reads at /metrics. Labels are route templates and fixed words, never what a client sent.

Each process counts for itself: scrape each, or let the workers of one port share `PROMETHEUS_MULTIPROC_DIR`.
"""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from redis.asyncio import Redis
from redis.observability.attributes import DB_CLIENT_CONNECTION_STATE, ConnectionState
from sqlalchemy.pool import QueuePool
from starlette.types import Scope

from api.templates import template_of
from core.database import Database

CONTENT_TYPE = CONTENT_TYPE_LATEST

REQUESTS = Histogram(
    "tillwright_request_seconds",
    "Requests by method, route and status, until the last byte of the answer, or the first one of a stream.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge(
    "tillwright_requests_in_flight", "Requests being answered, streams among them.", multiprocess_mode="livesum"
)
STREAMS = Gauge("tillwright_streams_open", "Who listens, by sse or socket.", ["kind"], multiprocess_mode="livesum")
RATE_LIMITED = Counter("tillwright_rate_limited_total", "Requests refused by a limit, by what they count as.", ["kind"])
GATE_OPEN = Counter(
    "tillwright_gate_open_total", "Requests that passed without limits since Redis did not answer.", ["kind"]
)
REPLAYS = Counter("tillwright_idempotent_replays_total", "Answers to a request that was made before.", ["route"])
SEARCH_FALLBACKS = Counter("tillwright_search_fallbacks_total", "Searches that Postgres answered instead of Redis.")
BUGS = Counter("tillwright_bugs_total", "Requests answered with internal-error.")
POOL = Gauge(
    "tillwright_pool_connections", "Connections of this process, and how many it may have.", ["server", "state"],
    multiprocess_mode="livesum",
)  # fmt: skip

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""A method is a client's word too: the others are counted together."""


def count(scope: Scope, method: str, status: int, seconds: float) -> None:
    """One request that was answered; status 0 when the client had gone before."""
    template = template_of(scope)
    route = template.path if template else "unmatched"
    REQUESTS.labels(method if method in _METHODS else "other", route, status).observe(seconds)
    if scope["state"].get("replayed"):
        REPLAYS.labels(route).inc()


def exposition(database: Database, redis: Redis) -> bytes:
    """The text that Prometheus reads."""
    _measure_pools(database, redis)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _measure_pools(database: Database, redis: Redis) -> None:
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        POOL.labels("postgres", "in_use").set(pool.checkedout())
        POOL.labels("postgres", "limit").set(pool.size())
    POOL.labels("redis", "in_use").set(_redis_in_use(redis))
    POOL.labels("redis", "limit").set(redis.connection_pool.max_connections)


def _redis_in_use(redis: Redis) -> int:
    counted = redis.connection_pool.get_connection_count()
    return sum(number for number, labels in counted if labels[DB_CLIENT_CONNECTION_STATE] == ConnectionState.USED.value)
