"""An index beside a shop."""

import pytest
from redis.asyncio import Redis

from core.database import Database
from tests.search import Index


@pytest.fixture
def search_index(database: Database, redis: Redis) -> Index:
    return Index(database, redis)
