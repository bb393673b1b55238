"""A shop in good order, and a way to spoil it: SQL that no service would send, taken back after a look."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import text

from core.database import Database
from core.redis import connect_redis
from core.settings import Settings
from domain.orders import PaymentMethod
from models.base import metadata
from services import invariants
from services.carts import CartStore
from tests.builders import Shop


@dataclass
class Books:
    """The orders of a shop in which everything has happened once; `ids` go into the statements by name."""

    shop: Shop
    ids: dict[str, UUID] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return str(self.ids[name])

    async def spoiled(self, *statements: str) -> dict[str, list[str]]:
        """Which invariants report whom while these hold: name → offenders."""
        async with self.shop.database.transaction() as session:
            for statement in statements:
                names = {name: value for name, value in self.ids.items() if f":{name}" in statement}
                await session.execute(text(statement), names)
            found = await invariants.check(session)
            await session.rollback()
        return {finding.name: finding.offenders for finding in found if finding.violations}


@pytest.fixture(scope="module")
async def books(connected: Database, settings: Settings) -> Books:
    """Made once per module, since nothing stays that is done to it. Its module must not ask for `shop` as well."""
    async with connected.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(table for table in metadata.tables if table != 'locations')}"))
    shop = Shop(connected, CartStore.from_settings(connect_redis(settings), settings))
    for sku in ("LAMP", "SHADE"):
        await shop.product(sku, stock=50, price=1000)
    bought = {"LAMP": 2, "SHADE": 1}
    ids = {
        "asked": await shop.request(bought),
        "held": await shop.held(bought),
        "waiting": await shop.held(bought, method=PaymentMethod.COD),
        "to_deliver": await shop.confirmed(bought, method=PaymentMethod.COD),
        "delivered": await shop.delivered(bought, method=PaymentMethod.COD),
        "paid": await shop.paid(bought),
        "paid_too": await shop.paid(bought),
        "cancelled": await shop.cancelled(bought),
    }
    return Books(shop, ids)
