"""What follows in Redis when sessions ended in the database."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from api.dependencies import Resources
from core.redis import REDIS_AWAY
from services.sessions import announce_ended

log = structlog.get_logger()


async def tell_ended(resources: Resources, ids: Sequence[UUID]) -> None:
    """For what cannot be asked for again: while Redis is away, access tokens of these live on for their few minutes,
    as every gate is open then."""
    try:
        await announce_ended(resources.redis, ids, resources.tokens.lifetime)
    except REDIS_AWAY as error:
        log.warning("session.end_untold", sessions=len(ids), error=type(error).__name__)
