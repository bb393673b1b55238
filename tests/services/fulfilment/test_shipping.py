"""Shipments: never more units than were sold, each told once, and the order shipped with its last unit."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import NotAllowedInState, NotFound, OverShipment
from domain.orders import OrderStatus
from services.fulfilment import shipping
from services.fulfilment.shipping import NewShipment
from services.orders.moving import move
from tests.builders import Shop

ORDERED = {"LAMP": 3, "SHADE": 2}


async def packed(shop: Shop) -> UUID:
    """An order that is being processed."""
    for sku in ORDERED:
        if not await shop.rows("SELECT 1 FROM variants WHERE sku = :sku", sku=sku):
            await shop.product(sku, stock=10_000)
    order_id = await shop.paid(ORDERED)
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
    return order_id


async def ship(shop: Shop, order_id: UUID, lines: dict[str, int], shipment_id: UUID | None = None) -> OrderStatus:
    new = NewShipment(shipment_id or uuid4(), order_id, "DHL", "JJD0099", by="desk", lines=lines)
    async with shop.database.transaction() as session:
        return await shipping.ship(session, new)


async def sent(shop: Shop, order_id: UUID) -> dict[str, int]:
    async with shop.database.transaction() as session:
        return await shipping.shipped_units(session, order_id)


async def test_a_shipment_that_is_written_twice_is_one(shop: Shop) -> None:
    order_id, shipment_id = await packed(shop), uuid4()
    for _ in range(2):
        assert await ship(shop, order_id, {"LAMP": 3}, shipment_id) is OrderStatus.PROCESSING
    assert await sent(shop, order_id) == {"LAMP": 3}
    last = uuid4()
    for _ in range(2):
        assert await ship(shop, order_id, {}, last) is OrderStatus.SHIPPED
    assert await ship(shop, order_id, {"LAMP": 3}, shipment_id) is OrderStatus.SHIPPED, "a late repetition of the first"
    assert await shop.events(order_id) == ["placed", "confirmed", "processing", "part_shipped", "shipped"]
    await shop.require_invariants()


async def test_every_line_that_is_over_is_named_and_nothing_is_shipped(shop: Shop) -> None:
    order_id = await packed(shop)
    with pytest.raises(OverShipment) as refused:
        await ship(shop, order_id, {"LAMP": 3, "SHADE": 3, "NOPE": 1})
    assert refused.value.facts["lines"] == [
        {"sku": "NOPE", "requested": 1, "left": 0},
        {"sku": "SHADE", "requested": 3, "left": 2},
    ]
    assert await sent(shop, order_id) == {}


async def test_nothing_is_shipped_of_an_order_that_is_elsewhere_or_none(shop: Shop) -> None:
    order_id = await packed(shop)
    await ship(shop, order_id, {})
    with pytest.raises(NotAllowedInState):
        await ship(shop, order_id, {"LAMP": 1})
    with pytest.raises(NotFound):
        await ship(shop, uuid4(), {})


async def test_of_many_shipments_at_once_as_many_units_leave_as_there_are(shop: Shop) -> None:
    order_id = await packed(shop)
    ended = await asyncio.gather(*(ship(shop, order_id, {"LAMP": 1}) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(end, OverShipment) for end in ended) == 5
    assert await sent(shop, order_id) == {"LAMP": 3}
    assert await ship(shop, order_id, {}) is OrderStatus.SHIPPED
    await shop.require_invariants()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(ORDERED)), st.integers(1, 3), min_size=1), min_size=1, max_size=5)
)
async def test_shipments_add_up_to_the_order_and_never_to_more(shop: Shop, wishes: list[dict[str, int]]) -> None:
    order_id = await packed(shop)
    left = dict(ORDERED)
    for wish in wishes:
        fits = all(units <= left.get(sku, 0) for sku, units in wish.items())
        if not fits:
            with pytest.raises((OverShipment, NotAllowedInState)):
                await ship(shop, order_id, wish)
            continue
        left = {sku: units - wish.get(sku, 0) for sku, units in left.items()}
        is_all = not any(left.values())
        assert await ship(shop, order_id, wish) is (OrderStatus.SHIPPED if is_all else OrderStatus.PROCESSING)
    gone = {sku: ORDERED[sku] - units for sku, units in left.items() if units < ORDERED[sku]}
    assert await sent(shop, order_id) == gone
