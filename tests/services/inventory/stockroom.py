"""A shop with more than one location, and what its staff do there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.database import Database
from models.inventory import StockSessionKind
from services import inventory
from services.audit import Actor
from services.inventory import adjusting, locations
from services.inventory.adjusting import Adjustment, Transfer
from services.inventory.reading import StockPicture
from services.inventory.sessions import applying, gathering
from tests.builders import Shop


@dataclass
class Stockroom:
    shop: Shop
    actor: Actor

    @property
    def database(self) -> Database:
        return self.shop.database

    async def add_location(self, code: str) -> None:
        async with self.database.transaction() as session:
            await locations.create(session, self.actor, code, code.title())

    async def picture(self, sku: str) -> StockPicture:
        async with self.database.snapshot() as session:
            return await inventory.picture(session, sku)

    async def there(self, sku: str) -> dict[str, tuple[int, int]]:
        """(on hand, reserved) by location, as orders are served from them."""
        return {place.code: (place.on_hand, place.reserved) for place in (await self.picture(sku)).locations}

    async def adjust(
        self, sku: str, *, location: str = "main", expected: int | None = None, **form: int
    ) -> UUID | None:
        async with self.database.transaction() as session:
            adjustment = Adjustment("because", location, **form)
            return await adjusting.adjust(session, self.actor, sku, adjustment, expected=expected)

    async def transfer(self, sku: str, source: str, destination: str, quantity: int) -> None:
        async with self.database.transaction() as session:
            await adjusting.transfer(session, self.actor, sku, Transfer(source, destination, quantity, "because"))

    async def set_threshold(self, sku: str, threshold: int) -> None:
        async with self.database.transaction() as session:
            await adjusting.set_threshold(session, self.actor, sku, threshold)

    async def open_session(self, kind: StockSessionKind, location: str = "main", reference: str = "") -> UUID:
        async with self.database.transaction() as session:
            return await gathering.open_session(session, self.actor, kind, location, reference)

    async def put(self, session_id: UUID, **lines: int) -> None:
        for sku, quantity in lines.items():
            async with self.database.transaction() as session:
                await gathering.put_line(session, self.actor, session_id, sku, quantity)

    async def apply(self, session_id: UUID) -> None:
        async with self.database.transaction() as session:
            await applying.apply(session, self.actor, session_id)

    async def events(self, sku: str) -> list[str]:
        """The oldest first."""
        rows = await self.shop.rows("SELECT kind FROM stock_events WHERE sku = :sku ORDER BY id", sku=sku)
        return [kind for (kind,) in rows]

    async def told_to_search(self, sku: str) -> int:
        """How often the search index heard of the SKU's product."""
        [(count,)] = await self.shop.rows(
            "SELECT count(*) FROM search_changes JOIN variants USING (product_id) WHERE sku = :sku", sku=sku
        )
        return int(count)

    async def ledger(self, sku: str) -> list[tuple[Any, ...]]:
        """(location, kind, delta), the oldest first."""
        return await self.shop.rows(
            "SELECT code, kind, delta FROM stock_movements m JOIN locations l ON l.id = location_id "
            "WHERE sku = :sku ORDER BY m.id",
            sku=sku,
        )

    async def acts(self) -> list[str]:
        """What the audit log says was done, the oldest first."""
        return [action for (action,) in await self.shop.rows("SELECT action FROM audit_entries ORDER BY id")]
