"""The stockroom of the story: staff count what lies on the shelf, with a row in the ledger as for any count."""

from core.database import Database
from services import inventory
from services.audit import Actor
from services.inventory import adjusting
from services.inventory.adjusting import Adjustment


async def count(database: Database, sku: str, available: int) -> None:
    """Set what can be bought of this SKU; units that orders hold stay."""
    async with database.transaction() as session:
        there = (await inventory.picture(session, sku)).available
        if available != there:
            counted = Adjustment("counted for the demo", delta=available - there)
            await adjusting.adjust(session, Actor(None), sku, counted)
