"""Bring the database to what the catalogue's file says, by multi-row upserts. Doing it again changes nothing.

Texts and prices follow the file. Stock does not: a SKU gets its opening stock once, and what orders and staff make of
it afterwards stays. Products that the file does not have are left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from devstack.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from devstack.demo.catalogue import Catalogue, CategoryEntry, ProductEntry
from domain.errors import Fact, SkuTaken
from models.accounts import User
from models.catalogue import Product
from services.audit import Actor
from services.catalogue import categories, tree, writing
from services.catalogue.drafts import CategoryChange, CategoryDraft, Price, ProductDraft, VariantDraft
from services.catalogue.writing import Written
from services.passwords import hash_password

BATCH = 50
"""Products between two steps of the progress bar."""
NOBODY = Actor(None)


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
    """All of it in the session's transaction; `advance` hears of each batch of products.

    Raises SkuTaken when a product that is not the file's has one of its SKUs, which never change their product.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("demo catalogue"))))
    await _categories(session, catalogue.categories)
    loaded = Loaded()
    for start in range(0, len(catalogue.products), BATCH):
        batch = catalogue.products[start : start + BATCH]
        await _products(session, batch, low_stock_threshold, loaded)
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


async def _categories(session: AsyncSession, entries: Sequence[CategoryEntry]) -> None:
    """Their names follow the file. Their places do not: staff may have moved them since."""
    there = {node.category.slug: node.category.name for node in (await tree.read(session)).nodes.values()}
    for entry in entries:
        if entry.slug not in there:
            await categories.create(session, CategoryDraft(**entry.model_dump()), NOBODY)
        elif entry.name != there[entry.slug]:
            await categories.change(session, entry.slug, CategoryChange(name=entry.name), NOBODY)


async def _products(
    session: AsyncSession, batch: Sequence[ProductEntry], low_stock_threshold: int, loaded: Loaded
) -> None:
    outcomes = await writing.upsert_many(session, [_draft(entry) for entry in batch], threshold=low_stock_threshold)
    if refused := [one.detail for one in outcomes if isinstance(one, Fact)]:
        raise SkuTaken(" ".join(refused))
    written = [one for one in outcomes if isinstance(one, Written)]
    await _date(session, {one.id: entry for one, entry in zip(written, batch, strict=True) if one.is_new})
    opened = frozenset[str]().union(*(one.new_skus for one in written))
    loaded.new += sum(one.is_new for one in written)
    loaded.changed += sum(one.is_changed for one in written)
    loaded.unchanged += sum(not one.is_new and not one.is_changed for one in written)
    loaded.new_skus += len(opened)
    loaded.new_units += sum(variant.stock for entry in batch for variant in entry.variants if variant.sku in opened)


async def _date(session: AsyncSession, new: dict[UUID, ProductEntry]) -> None:
    """The list of the newest tells a story: the shop did not begin to sell all of it at once."""
    if new:
        dates = {product_id: datetime.combine(entry.listed_on, time(), UTC) for product_id, entry in new.items()}
        dated = update(Product).where(col(Product.id).in_(dates))
        await session.execute(dated.values(created_at=case(dates, value=col(Product.id))))


def _draft(entry: ProductEntry) -> ProductDraft:
    return ProductDraft(
        **entry.model_dump(exclude={"listed_on", "currency", "variants"}),
        variants=[
            VariantDraft(
                sku=variant.sku,
                price=Price(amount=variant.price, currency=entry.currency),
                options=variant.options,
                initial_stock=variant.stock,
            )
            for variant in entry.variants
        ],
    )
