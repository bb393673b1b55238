"""What a search means in SQL: the columns that it is about, and which products it finds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, collate, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY
from sqlmodel import col

from domain.search import Wanted
from domain.search_tiers import Match, Term, Tier
from models.catalogue import PRODUCT_WORDS, Product, ProductStatus, Variant
from models.inventory import Stock
from services.catalogue import tree
from services.search.documents import SORT_LETTERS

_SUFFIX = {Match.NAME: ":A", Match.TITLE: ":AB", Match.ANYWHERE: "", Match.START: ":*AB"}

PRICE = func.coalesce(Product.price, 0)
NAME = collate(func.left(func.search_words(Product.name), SORT_LETTERS), "C")
IN_STOCK = (
    select(1)
    .where(
        col(Variant.product_id) == Product.id, col(Stock.sku) == Variant.sku, col(Stock.on_hand) > col(Stock.reserved)
    )
    .exists()
)


def tsquery(tier: Tier) -> ColumnElement[Any]:
    """Words hold letters and digits alone, so that nothing in them ends the quotes."""

    def said(term: Term) -> str:
        return f"'{term.word}'{_SUFFIX[term.match]}"

    clauses = (" | ".join(f"({' & '.join(map(said, option))})" for option in clause) for clause in tier)
    return cast(" & ".join(f"({clause})" for clause in clauses), TSQUERY)


def conditions_of(wanted: Wanted, ranked: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [col(Product.status) == ProductStatus.ACTIVE]
    if ranked:
        found.append(PRODUCT_WORDS.op("@@")(ranked[-1]))
    if wanted.category is not None:
        found.append(col(Product.category_id).in_(tree.within(wanted.category)))
    if wanted.brand is not None:
        found.append(col(Product.brand) == wanted.brand)
    if wanted.price_min is not None:
        found.append(wanted.price_min <= PRICE)
    if wanted.price_max is not None:
        found.append(wanted.price_max >= PRICE)
    if wanted.in_stock is not None:
        found.append(IN_STOCK if wanted.in_stock else ~IN_STOCK)
    found += [_has(name, values) for name, values in wanted.by_attribute.items()]
    return found


def _has(name: str, values: Sequence[str]) -> ColumnElement[bool]:
    """A list has each of its texts, anything else is one text itself."""
    value = cast(col(Product.attributes), JSONB)[name]
    is_list = func.jsonb_typeof(value) == "array"
    return or_(
        and_(is_list, or_(*(value.has_key(one) for one in values))),
        and_(~is_list, value.astext.in_(values)),
    )
