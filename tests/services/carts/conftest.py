"""A cart's owner, and lines to put into it."""

from uuid import UUID, uuid4

import pytest

from domain.money import Money
from services.carts import Guest, Line


@pytest.fixture
def owner() -> UUID:
    return uuid4()


@pytest.fixture
def guest() -> Guest:
    """One whose token was drawn this moment: the first line opens the cart."""
    return Guest.draw()[1]


def units(sku: str, quantity: int = 1, *, currency: str = "USD", available: int = 1000, price: int = 1999) -> Line:
    return Line(sku, quantity, Money(price, currency), available)
