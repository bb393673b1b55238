"""S4 and S5 of orders that were cancelled with some of their units on the way."""

import pytest

from services import invariants
from tests.builders import Shop
from tests.returning import cancelled_on_its_way

pytestmark = pytest.mark.spoils_books

ORDERED = {"LAMP": 3, "SHADE": 1}


async def broken(shop: Shop) -> set[str]:
    async with shop.database.snapshot() as session:
        return {finding.name for finding in await invariants.check(session) if finding.violations}


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ("UPDATE shipment_lines SET quantity = quantity + 1", {"S5"}),
        ("DELETE FROM shipment_lines", {"S5"}),
        ("UPDATE orders SET reservation_status = 'released'", {"S5"}),
        ("UPDATE reservations SET status = 'expired' WHERE status = 'released'", {"S5"}),
        ("UPDATE reservations SET quantity = quantity + 1 WHERE status = 'committed'", {"S4", "S5"}),
        ("UPDATE reservations SET status = 'released'", {"S4", "S5"}),
        ("UPDATE reservations SET status = 'committed'", {"S4", "S5"}),
    ],
)
async def test_an_order_that_gave_back_other_units_than_stayed_is_found(
    shop: Shop, spoil: str, found: set[str]
) -> None:
    for sku in ORDERED:
        await shop.product(sku)
    await cancelled_on_its_way(shop, ORDERED, {"LAMP": 2})
    assert await broken(shop) == set()
    await shop.rows(spoil)
    assert await broken(shop) == found
