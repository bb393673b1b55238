"""The catalogue as it is answered: stored bytes, completed in the query that finds them. See ADR 0013."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from models.catalogue import Category, FormerSlug, Product, ProductBody, ProductStatus, Variant
from models.inventory import Stock
from services.catalogue.publishing import whole


@dataclass(frozen=True)
class Shown:
    """A product as clients get it: `json` is the whole object."""

    id: UUID
    slug: str
    version: int
    json: bytes


def select_shown() -> Select[*tuple[Any, ...]]:
    """Every product with its bytes and what `whole` adds to them. Where, order and limit are the caller's."""
    # An EXISTS would be answered for all products at once where Postgres expects many of them, before a LIMIT.
    in_stock = (
        select(func.coalesce(func.bool_or(col(Stock.on_hand) > col(Stock.reserved)), False))
        .join(Variant, col(Variant.sku) == Stock.sku)
        .where(col(Variant.product_id) == Product.id)
        .scalar_subquery()
    )
    return (
        select(
            col(Product.id), col(Product.slug), col(Product.version), col(Product.created_at), col(ProductBody.body),
            col(Category.slug).label("category_slug"), col(Category.name).label("category_name"),
            in_stock.label("in_stock"),
        )
        .join(ProductBody, col(ProductBody.product_id) == Product.id)
        .outerjoin(Category, col(Category.id) == Product.category_id)
    )  # fmt: skip


async def product(session: AsyncSession, id_or_slug: str, *, with_hidden: bool = False) -> Shown:
    """An active product by its id, its slug, or one that it had before. Raises NotFound."""
    statement = select_shown().where(named(id_or_slug))
    if not with_hidden:
        statement = statement.where(col(Product.status) == ProductStatus.ACTIVE)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such product.")
    category = None if row.category_slug is None else (row.category_slug, row.category_name)
    return Shown(row.id, row.slug, row.version, whole(row.body, category=category, in_stock=row.in_stock))


def named(id_or_slug: str) -> ColumnElement[bool]:
    """The one product that is meant. No slug is an id, and no former slug of one is a slug of another."""
    try:
        return col(Product.id) == UUID(id_or_slug)
    except ValueError:
        former = select(col(FormerSlug.product_id)).where(col(FormerSlug.slug) == id_or_slug).scalar_subquery()
        return or_(col(Product.slug) == id_or_slug, col(Product.id) == former)
