"""A cart's owner, and lines to put into it."""

from uuid import UUID, uuid4

import pytest

from services.carts.store import Addition


@pytest.fixture
def owner() -> UUID:
    return uuid4()


def units(sku: str, quantity: int = 1, *, currency: str = "USD", available: int = 1000) -> Addition:
    return Addition(sku, quantity, currency, available)


def key_of(owner: UUID) -> str:
    """Where the cart lies in Redis."""
    return f"cart:{{{owner}}}"
