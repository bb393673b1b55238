"""A customer, and a way to run something of theirs in a transaction of its own."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from tests.builders import Shop

Apply = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ada(shop: Shop) -> UUID:
    return await shop.user()


@pytest.fixture
def apply(shop: Shop) -> Apply:
    async def apply(change: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        async with shop.database.transaction() as session:
            return await change(session, *arguments, **named)

    return apply
