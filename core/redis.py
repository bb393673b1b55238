"""Redis: one pool per process."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.settings import Settings

REDIS_AWAY = (RedisError, OSError)
"""What a call raises when Redis cannot be reached, or refuses to write as its disk or its memory is full."""


def connect_redis(settings: Settings) -> Redis:
    """A client that connects on first use. A stale connection is tried once more, an outage is told at once."""
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=50,
        timeout=5,
        socket_timeout=2,
        socket_connect_timeout=2,
        decode_responses=True,
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)
