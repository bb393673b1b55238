"""A change of products is published in its transaction: their stored bodies, their lowest prices, the search outbox."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Product, ProductBody, Variant
from services import search_changes


async def next_version(session: AsyncSession, product_ids: Collection[UUID]) -> None:
    """Each change of a product is one version more, however much of it and of its variants it changes."""
    await session.flush()
    bump = update(Product).where(col(Product.id).in_(product_ids))
    await session.execute(bump.values(version=Product.version + 1, updated_at=func.now()))


async def publish(session: AsyncSession, product_ids: Collection[UUID]) -> None:
    """What whoever changed these products or their variants calls last: five statements, however many they are."""
    if not product_ids:
        return
    await session.flush()
    lowest = select(func.min(Variant.price)).where(col(Variant.product_id) == Product.id).scalar_subquery()
    priced = update(Product).where(col(Product.id).in_(product_ids), col(Product.price).is_distinct_from(lowest))
    await session.execute(priced.values(price=lowest))
    rows = await _bodies(session, product_ids)
    if rows:
        bodies = insert(ProductBody).values(rows)
        changed = bodies.on_conflict_do_update(index_elements=["product_id"], set_={"body": bodies.excluded.body})
        await session.execute(changed)
    await search_changes.append(session, product_ids)


async def _bodies(session: AsyncSession, product_ids: Collection[UUID]) -> list[dict[str, object]]:
    """In the order of their ids, so that two who publish the same products never wait for each other."""
    fresh = {"populate_existing": True}  # not what this session read before somebody else's change
    products = select(Product).where(col(Product.id).in_(product_ids)).order_by(col(Product.id))
    variants = select(Variant).where(col(Variant.product_id).in_(product_ids))
    variants = variants.order_by(col(Variant.position), col(Variant.sku))
    of: defaultdict[UUID, list[Variant]] = defaultdict(list)
    for variant in (await session.execute(variants, execution_options=fresh)).scalars():
        of[variant.product_id].append(variant)
    found = (await session.execute(products, execution_options=fresh)).scalars()
    return [{"product_id": product.id, "body": body_of(product, of[product.id])} for product in found]


def body_of(product: Product, variants: Sequence[Variant]) -> bytes:
    """The product's JSON object as clients get it, up to what `whole` adds."""
    return orjson.dumps(
        {
            "id": str(product.id),
            "slug": product.slug,
            "name": product.name,
            "description": product.description,
            "brand": product.brand,
            "status": product.status,
            "attributes": product.attributes,
            "images": product.images,
            "variants": [
                {"sku": v.sku, "price": {"amount": v.price, "currency": v.currency}, "options": v.options}
                for v in variants
            ],
            "version": product.version,
        }
    )[:-1]


def whole(body: bytes, *, category: tuple[str, str] | None, in_stock: bool) -> bytes:
    """A stored body with what changes without the product: its category's (slug, name), and its stock."""
    named = None if category is None else {"slug": category[0], "name": category[1]}
    return body + b"," + orjson.dumps({"category": named, "in_stock": in_stock})[1:]
