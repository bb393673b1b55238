"""The catalogue as staff write it, on the test database."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain.errors import Fact
from services.audit import Actor
from services.catalogue import categories, changing, reading, writing
from services.catalogue.drafts import CategoryDraft, ProductChange, ProductDraft
from services.catalogue.writing import Written
from tests.builders import Shop

NOBODY = Actor(None)


def variant(sku: str, price: int = 1999, currency: str = "USD", **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": {"amount": price, "currency": currency}, **more}


def draft(*skus: str, **more: Any) -> ProductDraft:
    """A lamp with these SKUs."""
    said = {"name": "Lamp", "description": "", "variants": [variant(sku) for sku in skus or ("LAMP",)]}
    return ProductDraft.model_validate(said | more)


class Desk:
    """Staff at work: each verb in a transaction of its own."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.database = shop.database

    async def create(self, *skus: str, **more: Any) -> UUID:
        async with self.database.transaction() as session:
            return await writing.create(session, draft(*skus, **more), NOBODY, threshold=5)

    async def upsert(self, *drafts: ProductDraft) -> list[Written | Fact]:
        async with self.database.transaction() as session:
            return await writing.upsert_many(session, drafts, threshold=5)

    async def change(self, id_or_slug: object, *, expected: int | None = None, **said: Any) -> UUID:
        async with self.database.transaction() as session:
            wanted = ProductChange.model_validate(said)
            return await changing.change(session, str(id_or_slug), wanted, NOBODY, expected=expected)

    async def category(self, name: str, parent: str | None = None) -> UUID:
        async with self.database.transaction() as session:
            return await categories.create(session, CategoryDraft(name=name, parent=parent), NOBODY)

    async def shown(self, id_or_slug: object) -> dict[str, Any]:
        async with self.database.reading() as session:
            found: dict[str, Any] = json.loads((await reading.product(session, str(id_or_slug), with_hidden=True)).json)
        return found

    async def told_search(self) -> list[UUID]:
        """The products in the outbox since the last time that somebody asked."""
        return [row[0] for row in await self.shop.rows("DELETE FROM search_changes RETURNING product_id")]

    async def audited(self) -> list[str]:
        return [row[0] for row in await self.shop.rows("SELECT action FROM audit_entries ORDER BY id")]

    async def everything(self) -> dict[str, Sequence[Any]]:
        """All that the catalogue and its stock hold, to see that nothing of it changed."""
        tables = (
            "products", "variants", "product_bodies", "former_slugs", "categories", "stock", "stock_movements",
            "search_changes", "audit_entries",
        )  # fmt: skip
        return {table: sorted(await self.shop.rows(f"SELECT {table}::text FROM {table}")) for table in tables}  # noqa: S608


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)
