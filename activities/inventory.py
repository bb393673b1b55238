"""reserve_stock and its undo release_stock."""

from uuid import UUID

from temporalio import activity

from core.database import Database
from domain.messages.checkout import OrderStep, ReleaseStock
from services import inventory


class InventoryActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def reserve_stock(self, step: OrderStep) -> None:
        """Hold every line or none. Raises `out-of-stock` with the lines that are short."""
        async with self._database.transaction() as session:
            await inventory.hold(session, UUID(step.order_id))

    @activity.defn
    async def release_stock(self, step: ReleaseStock) -> None:
        """Give the stock back, held or sold; shuts the gate even if nothing was held, so that no late hold applies."""
        async with self._database.transaction() as session:
            await inventory.release(session, UUID(step.order_id), expired=step.expired)
