"""A change of products is published in its transaction: their stored bodies, their lowest prices, the search outbox."""

from collections.abc import Collection
from uuid import UUID

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Product, ProductBody, Variant
from services import search_changes
from services.catalogue.reading import Listing, listings


async def publish(session: AsyncSession, product_ids: Collection[UUID]) -> None:
    """What whoever changed these products, their variants or their category calls last, in a few statements."""
    if not product_ids:
        return
    await session.flush()
    lowest = select(func.min(Variant.price)).where(col(Variant.product_id) == Product.id).scalar_subquery()
    await session.execute(update(Product).where(col(Product.id).in_(product_ids)).values(price=lowest))
    rows = [{"product_id": one.product.id, "body": body_of(one)} for one in await listings(session, product_ids)]
    if rows:
        bodies = insert(ProductBody).values(rows)
        changed = bodies.on_conflict_do_update(index_elements=["product_id"], set_={"body": bodies.excluded.body})
        await session.execute(changed)
    await search_changes.append(session, product_ids)


def body_of(listing: Listing) -> bytes:
    """The product's JSON object as clients get it, up to where `in_stock` goes: see `whole`."""
    product, category = listing.product, listing.category
    return orjson.dumps(
        {
            "id": str(product.id),
            "slug": product.slug,
            "name": product.name,
            "description": product.description,
            "brand": product.brand,
            "category": {"slug": category.slug, "name": category.name} if category else None,
            "status": product.status,
            "attributes": product.attributes,
            "images": product.images,
            "variants": [
                {"sku": v.sku, "price": {"amount": v.price, "currency": v.currency}, "options": v.options}
                for v in listing.variants
            ],
            "version": product.version,
        }
    )[:-1]


def whole(body: bytes, *, in_stock: bool) -> bytes:
    """A stored body as it is answered at this moment: stock changes more often than the product."""
    return body + (b',"in_stock":true}' if in_stock else b',"in_stock":false}')
