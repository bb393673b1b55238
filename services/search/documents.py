"""A product as the index has it: one hash, made from one row of the database and from nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any
from urllib.parse import quote_plus, unquote_plus
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.search import text_of
from domain.search_tiers import LONGEST_START
from services.catalogue.publishing import whole

LONGEST_ATTRIBUTE = 120
"""Letters of an attribute's text that can be filtered by. A longer one is prose."""

SORT_LETTERS = 100
"""Letters of a name that order it. Names alike so far are ordered by id."""

FIRST = UUID(int=0)

# Stock is looked up for the products that are wanted: an EXISTS for each would have Postgres read the stock of all of
# them once its plan is a generic one.
_ROWS = """
WITH RECURSIVE {wanted}paths AS (
    SELECT id, ARRAY[slug::text] AS slugs FROM categories WHERE parent_id IS NULL
    UNION ALL SELECT c.id, paths.slugs || c.slug::text FROM categories c JOIN paths ON paths.id = c.parent_id
), available AS (
    SELECT v.product_id, bool_or(s.on_hand > s.reserved) AS in_stock
    FROM variants v JOIN stock s ON s.sku = v.sku WHERE v.product_id {among} GROUP BY v.product_id
), sources AS (
    SELECT p.id, b.body, p.name, p.slug, p.brand, p.description, p.attributes::text AS attributes,
        coalesce(p.price, 0) AS price, (extract(epoch FROM p.created_at) * 1000000)::bigint AS created,
        coalesce(paths.slugs, '{{}}') AS categories, c.slug AS category_slug, c.name AS category_name,
        coalesce(available.in_stock, false) AS in_stock
    FROM products p JOIN product_bodies b ON b.product_id = p.id
        LEFT JOIN categories c ON c.id = p.category_id LEFT JOIN paths ON paths.id = p.category_id
        LEFT JOIN available ON available.product_id = p.id
    WHERE p.status = 'active' AND p.id {among}
)"""
_FINGERPRINT = "md5(sources::text) AS fingerprint"
_WHOLE = f"""{_ROWS} SELECT sources.*, {_FINGERPRINT}, search_words(name) AS name_words,
    search_words(brand) AS brand_words, search_words(description) AS description_words FROM sources ORDER BY id"""  # noqa: S608


def _of(wanted: str) -> TextClause:
    """Whole products. `wanted` selects their ids."""
    return text(
        _WHOLE.format(wanted=f"wanted AS MATERIALIZED ({wanted}), ", among="= ANY(ARRAY(SELECT id FROM wanted))")
    )


_THESE = _of("SELECT unnest(CAST(:ids AS uuid[])) AS id")
_NEXT = _of("SELECT id FROM products WHERE status = 'active' AND id > :after ORDER BY id LIMIT :count")
_ALL = text(f"{_ROWS} SELECT id, {_FINGERPRINT} FROM sources".format(wanted="", among="IS NOT NULL"))  # noqa: S608 — constants


@dataclass(frozen=True)
class Document:
    id: UUID
    fields: Mapping[Any, Any]


async def documents(session: AsyncSession, ids: Sequence[UUID]) -> list[Document]:
    """Those of these products that are to be found; one that is gone, a draft or archived has none."""
    return [document_of(row._mapping) for row in await session.execute(_THESE, {"ids": list(ids)})]


async def next_documents(session: AsyncSession, after: UUID | None, count: int) -> list[Document]:
    """All that are to be found, by id."""
    return [
        document_of(row._mapping) for row in await session.execute(_NEXT, {"after": after or FIRST, "count": count})
    ]


async def fingerprints(session: AsyncSession) -> dict[str, str]:
    """What each product's document was made from if it is in step, by id."""
    return {str(product_id): print_ for product_id, print_ in (await session.execute(_ALL)).all()}


def document_of(row: Any) -> Document:
    """Every document has all of the fields, so that writing one leaves nothing of the one before it."""
    names, brands = row["name_words"].split(), (row["brand_words"] or "").split()
    name_key = f"{row['name_words'][:SORT_LETTERS]}\x1f{row['id']}"
    category = (row["category_slug"], row["category_name"]) if row["category_slug"] else None
    fields = {
        "name": row["name_words"],
        "brand": row["brand_words"] or "",
        "description": row["description_words"],
        "name_starts": " ".join(_starts(names)),
        "brand_starts": " ".join(_starts(brands)),
        "facets": "\x1f".join(_facets(row)),
        "price": row["price"],
        "newest": -row["created"],
        "dearest": -row["price"],
        "name_number": name_number(name_key),
        "name_key": name_key,
        "id": str(row["id"]),
        "title": row["name"],
        "slug": row["slug"],
        "fingerprint": row["fingerprint"],
        "body": whole(row["body"], category=category, in_stock=row["in_stock"]),
    }
    return Document(row["id"], fields | {"seal": seal(fields)})


def seal(fields: Mapping[str, Any]) -> str:
    """Of all that the document holds, by name: who looks it over finds whether any of it was changed."""
    values = (value if isinstance(value, bytes) else str(value).encode() for _, value in sorted(fields.items()))
    return sha1(b"\x1e".join(values), usedforsecurity=False).hexdigest()


def name_number(name_key: str) -> int:
    """The first six bytes, which a double holds exactly: names are ordered by it, and then by the key itself."""
    return int.from_bytes(name_key.encode()[:6].ljust(6, b"\0"), "big")


def token(kind: str, *said: str) -> str:
    """A value to filter and to count by, of characters that mean nothing to the index whatever is in it."""
    return ":".join((kind, *(quote_plus(part) for part in said)))


def said_by(token: str) -> list[str]:
    """The kind of a token, and what it says."""
    return [unquote_plus(part) for part in token.split(":")]


def price_band(price: int) -> tuple[int, int]:
    """Both ends in minor units: 1–2–5 times a power of ten, from 1.00 on."""
    lower, steps = 0, 0
    upper = 100
    while price >= upper:
        lower = upper
        upper = upper * 5 // 2 if steps % 3 == 1 else upper * 2
        steps += 1
    return lower, upper - 1


def _facets(row: Any) -> list[str]:
    found = [token("category", slug) for slug in row["categories"]]
    if row["brand"]:
        found.append(token("brand", row["brand"]))
    found.append(token("in_stock", text_of(row["in_stock"])))
    found.append(token("price", str(price_band(row["price"])[0])))
    for name, value in json.loads(row["attributes"]).items():
        texts = [text_of(one) for one in (value if isinstance(value, list) else [value])]
        found += [token("attribute", name, one) for one in dict.fromkeys(texts) if len(one) <= LONGEST_ATTRIBUTE]
    return found


def _starts(words: Sequence[str]) -> list[str]:
    """Every start of every word: looking one up is looking up a word, exactly and at no cost, however many it is in."""
    found = {word[:length] for word in words for length in range(1, min(len(word), LONGEST_START) + 1)}
    return sorted(found)
