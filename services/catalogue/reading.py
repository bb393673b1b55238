"""The catalogue as shoppers see it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from models.catalogue import Category, Product, ProductStatus, Variant
from models.inventory import Stock


@dataclass
class Listing:
    """A product with its category, its variants and whether any of them can be bought."""

    product: Product
    category: Category | None
    variants: list[Variant] = field(default_factory=list)
    in_stock: bool = False


@dataclass(frozen=True)
class ProductFilter:
    category: str | None = None
    brand: str | None = None


async def newest(
    session: AsyncSession, wanted: ProductFilter, limit: int, after: tuple[datetime, UUID] | None
) -> list[Listing]:
    """Active products, the newest first. `after` is (created_at, id) of the last one seen."""
    statement = _with_category().where(col(Product.status) == ProductStatus.ACTIVE)
    if wanted.category is not None:
        statement = statement.where(col(Category.slug) == wanted.category)
    if wanted.brand is not None:
        statement = statement.where(col(Product.brand) == wanted.brand)
    if after is not None:
        statement = statement.where(tuple_(col(Product.created_at), col(Product.id)) < after)
    statement = statement.order_by(col(Product.created_at).desc(), col(Product.id).desc()).limit(limit)
    return await _complete(session, statement)


async def product(session: AsyncSession, id_or_slug: str) -> Listing:
    """An active product by its id or its slug. Raises NotFound."""
    by: ColumnElement[bool]
    try:
        by = col(Product.id) == UUID(id_or_slug)
    except ValueError:
        by = col(Product.slug) == id_or_slug
    statement = _with_category().where(by, col(Product.status) == ProductStatus.ACTIVE)
    listings = await _complete(session, statement)
    if not listings:
        raise NotFound("There is no such product.")
    return listings[0]


def _with_category() -> Select[Product, Category]:
    return select(Product, Category).outerjoin(Category, col(Category.id) == Product.category_id)


async def listings(session: AsyncSession, product_ids: Collection[UUID]) -> list[Listing]:
    """These products whatever their status, in no order; one that is gone is absent."""
    return await _complete(session, _with_category().where(col(Product.id).in_(product_ids)))


async def _complete(session: AsyncSession, statement: Select[Product, Category]) -> list[Listing]:
    rows = (await session.execute(statement)).all()
    listings = {product.id: Listing(product, category) for product, category in rows}
    there = exists().where(col(Stock.sku) == Variant.sku, col(Stock.on_hand) > col(Stock.reserved))
    variants = (
        select(Variant, there)
        .where(col(Variant.product_id).in_(listings))
        .order_by(col(Variant.product_id), col(Variant.position), col(Variant.sku))
    )
    for variant, in_stock in (await session.execute(variants)).all():
        listing = listings[variant.product_id]
        listing.variants.append(variant)
        listing.in_stock = listing.in_stock or in_stock
    return list(listings.values())
