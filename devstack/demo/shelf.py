"""The stockroom of the story: staff count what lies on the shelf, with a row in the ledger as for any count."""

from sqlalchemy import insert, select
from sqlmodel import col

from core.database import Database
from models.inventory import MovementKind, Stock, StockMovement
from services.inventory import main_location


async def count(database: Database, sku: str, available: int) -> None:
    """Set what can be bought of this SKU; units that orders hold stay."""
    async with database.transaction() as session:
        location = await main_location(session)
        shelf = (col(Stock.sku) == sku, col(Stock.location_id) == location)
        stock: Stock = (await session.execute(select(Stock).where(*shelf).with_for_update())).scalar_one()
        delta = stock.reserved + available - stock.on_hand
        if delta == 0:
            return
        stock.on_hand += delta
        row = {"sku": sku, "location_id": location, "delta": delta, "kind": MovementKind.ADJUSTMENT}
        await session.execute(insert(StockMovement).values(**row, reason="counted for the demo"))
