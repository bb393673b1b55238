"""The outbox of the search index: who changes a product, or whether it can be bought, says so in the transaction."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import SearchChange, Variant


async def append(session: AsyncSession, product_ids: Collection[UUID]) -> None:
    """The documents of these products are to be made anew; those of products that are gone, deleted."""
    if product_ids:
        await session.execute(insert(SearchChange), [{"product_id": product_id} for product_id in product_ids])


async def append_skus(session: AsyncSession, skus: Collection[str]) -> None:
    """The same for the products of these SKUs, in one statement."""
    if skus:
        products = select(col(Variant.product_id)).where(col(Variant.sku).in_(skus)).distinct()
        await session.execute(insert(SearchChange).from_select(["product_id"], products))
