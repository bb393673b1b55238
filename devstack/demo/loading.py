"""Bring the database to what the catalogue's file says, by multi-row upserts. Doing it again changes nothing.

Texts and prices follow the file. Stock does not: a SKU gets its opening stock once, and what orders and staff make of
it afterwards stays. Products that the file does not have are left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlmodel import col

from devstack.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from devstack.demo.catalogue import Catalogue, CategoryEntry, ProductEntry
from models.accounts import User
from models.catalogue import Category, Product, Variant
from models.inventory import MovementKind, Stock, StockMovement
from services import inventory
from services.catalogue import publishing
from services.passwords import hash_password

BATCH = 50
"""Products in one statement: Postgres takes 32,767 parameters."""
OPENING = "opening stock"

PRODUCT_COLUMNS = ("name", "description", "brand", "category_id", "status", "attributes", "images")
VARIANT_COLUMNS = ("position", "price", "currency", "options")
"""What follows the file. A product's date does not: lists that somebody pages through must not move."""


class SkuTaken(Exception):
    """A product that is not the file's has one of the file's SKUs, and a SKU never changes its product."""

    def __init__(self, owners: dict[str, str]) -> None:
        taken = ", ".join(f"{sku} ({slug})" for sku, slug in owners.items())
        super().__init__(f"SKUs of the file belong to other products already: {taken}.")
        self.owners = owners


@dataclass
class Loaded:
    """What one loading did."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    new_skus: int = 0
    new_units: int = 0


async def load_catalogue(
    session: AsyncSession,
    catalogue: Catalogue,
    *,
    low_stock_threshold: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """All of it in the session's transaction; `advance` hears of each batch of products. Raises SkuTaken."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("demo catalogue"))))
    await _require_own_skus(session, catalogue)
    categories = await _categories(session, catalogue.categories)
    location_id = await inventory.main_location(session)
    loaded = Loaded()
    for start in range(0, len(catalogue.products), BATCH):
        batch = catalogue.products[start : start + BATCH]
        await _products(session, batch, categories, loaded)
        await _open_stock(session, batch, location_id, low_stock_threshold, loaded)
        advance(len(batch))
    return loaded


async def load_accounts(session: AsyncSession) -> int:
    """How many are new. An account that is there stays as it is, its password too."""
    emails = [account.email for account in DEMO_ACCOUNTS]
    there = set((await session.execute(select(col(User.email)).where(col(User.email).in_(emails)))).scalars())
    rows = [
        vars(account) | {"password_hash": await hash_password(DEMO_PASSWORD), "is_active": True}
        for account in DEMO_ACCOUNTS
        if account.email not in there
    ]
    if rows:
        await session.execute(insert(User).values(rows).on_conflict_do_nothing(index_elements=["email"]))
    return len(rows)


async def _require_own_skus(session: AsyncSession, catalogue: Catalogue) -> None:
    wanted = {variant.sku: product.slug for product in catalogue.products for variant in product.variants}
    statement = (
        select(col(Variant.sku), col(Product.slug))
        .join(Product, col(Product.id) == Variant.product_id)
        .where(col(Variant.sku).in_(wanted))
    )
    owners = {sku: slug for sku, slug in (await session.execute(statement)).all() if wanted[sku] != slug}
    if owners:
        raise SkuTaken(owners)


async def _categories(session: AsyncSession, entries: Sequence[CategoryEntry]) -> dict[str, UUID]:
    """The ids by slug."""
    statement = insert(Category).values([entry.model_dump() for entry in entries])
    await session.execute(_update_where_different(statement, "slug", ["name"]))
    return await _ids(session, select(col(Category.slug), col(Category.id)))


async def _products(
    session: AsyncSession, batch: Sequence[ProductEntry], categories: dict[str, UUID], loaded: Loaded
) -> None:
    """Products and variants. A product whose row or any of whose variants changed gets the next version, once."""
    key = col(Product.slug), col(Product.id)
    before = await _ids(session, select(*key).where(col(Product.slug).in_([entry.slug for entry in batch])))
    rows = [_row(entry, categories[entry.category]) for entry in batch]
    upsert = _update_where_different(insert(Product).values(rows), "slug", PRODUCT_COLUMNS)
    written = await _ids(session, upsert.returning(*key))
    new = {written[slug] for slug in written.keys() - before.keys()}
    touched = set(written.values()) | await _variants(session, batch, before | written)
    if changed := touched - new:
        bump = update(Product).where(col(Product.id).in_(changed))
        await session.execute(bump.values(version=Product.version + 1, updated_at=func.now()))
    await publishing.publish(session, touched)
    loaded.new += len(new)
    loaded.changed += len(changed)
    loaded.unchanged += len(batch) - len(touched)


async def _variants(session: AsyncSession, batch: Sequence[ProductEntry], products: dict[str, UUID]) -> set[UUID]:
    """The ids of the products with a variant that is new or changed."""
    rows = [
        {
            "product_id": products[entry.slug],
            "sku": variant.sku,
            "position": position,
            "price": variant.price,
            "currency": entry.currency,
            "options": variant.options,
        }
        for entry in batch
        for position, variant in enumerate(entry.variants)
    ]
    upsert = _update_where_different(insert(Variant).values(rows), "sku", VARIANT_COLUMNS)
    return set((await session.execute(upsert.returning(col(Variant.product_id)))).scalars())


async def _open_stock(
    session: AsyncSession, batch: Sequence[ProductEntry], location_id: UUID, low_stock_threshold: int, loaded: Loaded
) -> None:
    """Stock and its ledger row for the SKUs that have none yet."""
    units = {variant.sku: variant.stock for entry in batch for variant in entry.variants}
    shelf = {"location_id": location_id, "reserved": 0, "low_stock_threshold": low_stock_threshold}
    opened = insert(Stock).values([shelf | {"sku": sku, "on_hand": count} for sku, count in units.items()])
    opened = opened.on_conflict_do_nothing(index_elements=["sku", "location_id"])
    skus = set((await session.execute(opened.returning(col(Stock.sku)))).scalars())
    receipt = {"location_id": location_id, "kind": MovementKind.RECEIPT, "reason": OPENING}
    receipts = [receipt | {"sku": sku, "delta": count} for sku, count in units.items() if sku in skus and count]
    if receipts:
        await session.execute(insert(StockMovement).values(receipts))
    loaded.new_skus += len(skus)
    loaded.new_units += sum(units[sku] for sku in skus)


async def _ids(session: AsyncSession, statement: TypedReturnsRows[str, UUID]) -> dict[str, UUID]:
    return {row[0]: row[1] for row in await session.execute(statement)}


def _row(entry: ProductEntry, category_id: UUID) -> dict[str, Any]:
    return {
        "slug": entry.slug,
        "name": entry.name,
        "description": entry.description,
        "brand": entry.brand,
        "category_id": category_id,
        "status": entry.status,
        "attributes": entry.attributes,
        "images": entry.images,
        "version": 1,
        "created_at": datetime.combine(entry.listed_on, time(), UTC),
    }


def _update_where_different(statement: Insert, key: str, columns: Sequence[str]) -> Insert:
    """A row that already says the same is not written, and not returned."""
    new, old = statement.excluded, statement.table.c
    differs: list[ColumnElement[bool]] = [old[name].is_distinct_from(new[name]) for name in columns]
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: new[name] for name in columns}, where=or_(*differs)
    )
