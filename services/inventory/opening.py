"""Stock of SKUs that are new to the shop or to a location, and the end of those that go."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ARRAY, Integer, String, Text, Uuid, column, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Variant
from models.inventory import Location, MovementKind, Stock, StockEvent, StockMovement, StockSessionLine
from services.inventory.locations import MAIN

STOCK_COLUMNS = ["sku", "location_id", "on_hand", "reserved", "low_stock_threshold"]


async def open_stock(
    session: AsyncSession, units: Mapping[str, int], *, threshold: int, reason: str, actor_id: UUID | None = None
) -> set[str]:
    """Stock at the main location for these SKUs, a receipt of their units in the ledger; one statement in all.

    A SKU that has stock there already stays as it is. Those that had none are returned. The search index is not told:
    whoever makes a SKU publishes its product.
    """
    if not units:
        return set()
    new = (
        func.unnest(literal(list(units), ARRAY(String)), literal(list(units.values()), ARRAY(Integer)))
        .table_valued(column("sku", Text), column("units", Integer))
        .render_derived(name="new")
    )
    rows = (
        select(new.c.sku, col(Location.id), new.c.units, literal(0), literal(threshold))
        .join(Location, col(Location.code) == MAIN)
        .select_from(new)
    )
    opened = (
        insert(Stock)
        .from_select(STOCK_COLUMNS, rows, include_defaults=False)
        .on_conflict_do_nothing()
        .returning(col(Stock.sku), col(Stock.location_id), col(Stock.on_hand))
        .cte("opened")
    )
    receipts = select(
        opened.c.sku, opened.c.location_id, opened.c.on_hand, literal(MovementKind.RECEIPT.value), literal(reason),
        literal(actor_id, Uuid),
    ).where(opened.c.on_hand > 0)  # fmt: skip
    columns = ["sku", "location_id", "delta", "kind", "reason", "actor_id"]
    booked = insert(StockMovement).from_select(columns, receipts, include_defaults=False).cte("booked")
    return set((await session.execute(select(opened.c.sku).add_cte(booked))).scalars())


async def open_at(session: AsyncSession, skus: Collection[str], location_id: UUID) -> None:
    """Rows without a unit for the SKUs that have none at this location. They take the SKU's threshold with them."""
    others = select(func.max(Stock.low_stock_threshold)).where(col(Stock.sku) == Variant.sku).scalar_subquery()
    rows = select(col(Variant.sku), literal(location_id), literal(0), literal(0), func.coalesce(others, 0))
    new = rows.where(col(Variant.sku).in_(skus)).order_by(col(Variant.sku))
    opened = insert(Stock).from_select(STOCK_COLUMNS, new, include_defaults=False)
    await session.execute(opened.on_conflict_do_nothing())


async def forget(session: AsyncSession, skus: Collection[str]) -> None:
    """Delete all that the inventory knows of SKUs which are about to be deleted, and which no order refers to."""
    for table in (StockEvent, StockSessionLine, StockMovement, Stock):
        await session.execute(delete(table).where(col(table.sku).in_(skus)))
