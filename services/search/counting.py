"""Counting what a search found by what it is, where Postgres answers."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, String, case, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Product
from services.catalogue import tree
from services.search.conditions import IN_STOCK, PRICE
from services.search.documents import LONGEST_ATTRIBUTE, price_band, token
from services.search.found import Facets, facets_of


async def count(session: AsyncSession, conditions: Sequence[ColumnElement[bool]]) -> Facets:
    """All counts in one query, and the tree of categories in another."""
    found = select(
        col(Product.id), col(Product.category_id), col(Product.brand), col(Product.attributes),
        PRICE.label("price"), IN_STOCK.label("in_stock"),
    ).where(*conditions).cte("found")  # fmt: skip
    nodes = (await tree.read(session)).nodes
    counts = Counter[str]()
    for kind, said, value, count in (await session.execute(_counts(found))).all():
        if kind == "category":
            node = nodes.get(UUID(said))
            for category in node.path if node else ():
                counts[token(kind, category.slug)] += count
        elif kind == "price":
            counts[token(kind, str(price_band(int(said))[0]))] += count
        elif kind == "attribute":
            counts[token(kind, said, value)] += count
        else:
            counts[token(kind, said)] += count
    return facets_of(counts.items())


def _counts(found: CTE) -> Any:
    """(kind, what, its value where it is an attribute, how many)"""
    attribute = func.jsonb_each(found.c.attributes).table_valued("key", "value").render_derived().lateral()
    is_list = func.jsonb_typeof(attribute.c.value) == "array"
    as_list = case((is_list, attribute.c.value), else_=func.jsonb_build_array(attribute.c.value))
    value = func.jsonb_array_elements_text(as_list).table_valued("value").render_derived().lateral()
    nothing = literal(None, String)
    of_attributes = (
        select(
            literal("attribute", String), attribute.c.key, value.c.value, func.count(found.c.id.distinct()),
        )
        .select_from(found.join(attribute, literal(True)).join(value, literal(True)))
        .where(func.length(value.c.value) <= LONGEST_ATTRIBUTE)
        .group_by(attribute.c.key, value.c.value)
    )  # fmt: skip
    columns = {"category": found.c.category_id, "brand": found.c.brand, "price": found.c.price,
               "in_stock": found.c.in_stock}  # fmt: skip
    plain = (
        select(literal(kind, String), cast(column, String), nothing, func.count())
        .where(column.is_not(None))
        .group_by(column)
        for kind, column in columns.items()
    )
    return union_all(*plain, of_attributes)
