"""The same search without Redis: Postgres full text finds, filters, orders and counts as the index does.

It knows no typing errors, and reads all that it finds to order it: a fallback, not a second engine.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.search import Sort, Wanted
from domain.search_cursor import Mark
from domain.search_tiers import tiers, units
from models.catalogue import PRODUCT_WORDS, Product, ProductStatus
from services.catalogue.publishing import whole
from services.catalogue.reading import select_shown
from services.search import counting, synonyms
from services.search.conditions import NAME, PRICE, conditions_of, tsquery
from services.search.documents import name_number
from services.search.found import Found

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIERS = 5
"""Those of domain/search_tiers.py but the last, of typing errors."""


async def find(
    session: AsyncSession, wanted: Wanted, sort: Sort, after: Mark | None, limit: int, *, with_facets: bool
) -> Found:
    if wanted.words:
        same = synonyms.read_table(await synonyms.table(session))
        ranked = [tsquery(tier) for tier in tiers(units(wanted.words, same))[:TIERS]]
    else:
        ranked = []
    conditions = conditions_of(wanted, ranked)
    tier: ColumnElement[Any] = literal(0, Integer)
    if ranked and sort is Sort.RELEVANCE:
        tier = case(*((PRODUCT_WORDS.op("@@")(query), at) for at, query in enumerate(ranked)))
    statement = select_shown().add_columns(PRICE.label("price"), NAME.label("name"), tier.label("tier"))
    statement = statement.where(*conditions).order_by(*_order(sort, tier)).limit(limit + 1)
    if after is not None:
        statement = statement.where(_beyond(sort, tier, after))
    rows = (await session.execute(statement)).all()
    shown = rows[:limit]
    total = select(func.count()).select_from(Product).where(*conditions)
    return Found(
        bodies=[_body(row) for row in shown],
        total=(await session.execute(total)).scalar_one(),
        last=_mark(sort, shown[-1]) if len(rows) > limit else None,
        facets=await counting.count(session, conditions) if with_facets else None,
    )


async def suggest(session: AsyncSession, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """(name, slug) of products in whose names a word begins with each of these."""
    query = cast(" & ".join(f"'{word}':*A" for word in words), TSQUERY)
    statement = (
        select(col(Product.name), col(Product.slug))
        .where(col(Product.status) == ProductStatus.ACTIVE, PRODUCT_WORDS.op("@@")(query))
        .order_by(NAME, col(Product.id))
        .limit(limit)
    )
    return [(name, slug) for name, slug in (await session.execute(statement)).all()]


def _order(sort: Sort, tier: ColumnElement[Any]) -> list[Any]:
    match sort:
        case Sort.RELEVANCE:
            return [tier, col(Product.created_at).desc(), col(Product.id).desc()]
        case Sort.NEWEST:
            return [col(Product.created_at).desc(), col(Product.id).desc()]
        case Sort.PRICE:
            return [PRICE, col(Product.id)]
        case Sort.DEAREST:
            return [PRICE.desc(), col(Product.id).desc()]
        case Sort.NAME:
            return [NAME, col(Product.id)]


def _beyond(sort: Sort, tier: ColumnElement[Any], after: Mark) -> ColumnElement[bool]:
    name, product_id = after.key[:-37], UUID(after.key[-36:])
    newest = tuple_(col(Product.created_at), col(Product.id)) < (
        EPOCH + timedelta(microseconds=after.number),
        product_id,
    )
    match sort:
        case Sort.RELEVANCE:
            return or_(tier > after.tier, and_(tier == after.tier, newest))
        case Sort.NEWEST:
            return newest
        case Sort.PRICE:
            return tuple_(PRICE, col(Product.id)) > (after.number, product_id)
        case Sort.DEAREST:
            return tuple_(PRICE, col(Product.id)) < (after.number, product_id)
        case Sort.NAME:
            return tuple_(NAME, col(Product.id)) > (name, product_id)


def _mark(sort: Sort, row: Any) -> Mark:
    if sort in (Sort.PRICE, Sort.DEAREST):
        return Mark(0, row.price, str(row.id))
    if sort is Sort.NAME:
        key = f"{row.name}\x1f{row.id}"
        return Mark(0, name_number(key), key)
    return Mark(row.tier, (row.created_at - EPOCH) // timedelta(microseconds=1), str(row.id))


def _body(row: Any) -> bytes:
    category = None if row.category_slug is None else (row.category_slug, row.category_name)
    return whole(row.body, category=category, in_stock=row.in_stock)
