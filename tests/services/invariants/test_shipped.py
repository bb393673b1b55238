"""S4, S5 and M4 of orders of which something has left the house, or was to."""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.orders import OrderStatus
from services import invariants, refunds
from services.fulfilment import cancelling, shipping
from services.fulfilment.shipping import NewShipment
from services.orders.moving import move
from services.returns import deciding, receiving
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import cancelled_on_its_way, delivered, requested

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


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ("UPDATE shipment_lines SET quantity = quantity - 1 WHERE sku = 'LAMP'", {"S5"}),
        ("UPDATE shipment_lines SET quantity = quantity + 1 WHERE sku = 'LAMP'", {"S5"}),
        ("DELETE FROM shipment_lines WHERE sku = 'SHADE'", {"S5"}),
        ("UPDATE return_lines SET quantity = quantity + 1", {"S4"}),
        ("UPDATE returns SET restock = false", {"S4"}),
        ("UPDATE stock_movements SET delta = 1 WHERE kind = 'return'", {"S1", "S4"}),
    ],
)
async def test_units_that_left_or_came_back_otherwise_than_written_are_found(
    shop: Shop, gateway: FakePayments, spoil: str, found: set[str]
) -> None:
    for sku in ORDERED:
        await shop.product(sku)
    order_id = await delivered(shop, gateway, ORDERED)
    return_id = await requested(shop, order_id, {"LAMP": 2})
    async with shop.database.transaction() as session:
        await deciding.approve(session, return_id, by="desk", note=None, receipt=timedelta(days=30))
        await receiving.receive(session, return_id, by="desk", note=None, restock=True)
    assert await broken(shop) == set()
    await shop.rows(spoil)
    assert await broken(shop) == found


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE payments SET captured = 0, status = 'authorized'",
        "UPDATE payments SET captured = 0, status = 'voided'",
    ],
)
async def test_goods_that_left_before_their_money_was_taken_are_found(shop: Shop, spoil: str) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 3})
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
        shipment = NewShipment(uuid4(), order_id, "DHL", "JD01", by="desk", lines={"LAMP": 1})
        await shipping.ship(session, shipment)
    assert await broken(shop) == set()
    for table in ("ledger_entries", "ledger_transactions"):
        await shop.rows(f"DELETE FROM {table}")  # noqa: S608 — a name of this test's
    await shop.rows(spoil)
    assert await broken(shop) == {"M4"}


async def test_a_cancellation_that_stands_half_way_is_found(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 3})
    async with shop.database.transaction() as session:
        claimed = await cancelling.claim_rest(session, order_id, "desk")
        assert claimed is not None
    assert await broken(shop) == {"M4"}
    async with shop.database.transaction() as session:
        await refunds.record_failure(session, claimed, "charge_disputed")
    assert await broken(shop) == set()
