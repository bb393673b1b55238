"""What a document holds, and that nobody changes it without building the index anew."""

import unicodedata
from hashlib import sha256
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.database import Database
from domain.search import words
from services.search.documents import document_of, name_number, price_band, said_by, token
from services.search.index import FIELDS, VERSION

ROW: dict[str, Any] = {
    "id": UUID("0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"), "body": b'{"id":"x"', "name": "Oak Lamp", "slug": "oak-lamp",
    "brand": "Hestia", "attributes": '{"material": ["oak", "oak"], "dimmable": true, "note": "' + "n" * 121 + '"}',
    "price": 1999, "created": 1767225600000000, "categories": ["home", "lighting"], "category_slug": "lighting",
    "category_name": "Lighting", "name_words": "oak lamp", "brand_words": "hestia", "description_words": "it is red",
    "in_stock": True, "fingerprint": "f",
}  # fmt: skip

PINNED = {"1": "7e1f6a7fcd3c0973"}


def test_a_document_says_all_that_is_searched_filtered_ordered_and_counted_by() -> None:
    fields = document_of(ROW).fields
    assert fields["body"] == b'{"id":"x","category":{"slug":"lighting","name":"Lighting"},"in_stock":true}'
    assert fields["name_starts"].split() == ["l", "la", "lam", "lamp", "o", "oa", "oak"]
    assert (fields["newest"], fields["price"], fields["dearest"]) == (-1767225600000000, 1999, -1999)
    assert [said_by(one) for one in fields["facets"].split("\x1f")] == [
        ["category", "home"], ["category", "lighting"], ["brand", "Hestia"], ["in_stock", "true"], ["price", "1000"],
        ["attribute", "material", "oak"], ["attribute", "dimmable", "true"],
    ]  # fmt: skip
    bare = ROW | {"brand": None, "brand_words": None, "category_slug": None, "categories": [], "attributes": "{}"}
    assert document_of(bare).fields.keys() == fields.keys(), "so that one written over another leaves nothing of it"


def test_a_document_changes_only_with_the_version_of_the_index() -> None:
    """Where this fails: raise VERSION in services/search/index.py and pin the new one here."""
    said = repr((FIELDS, sorted(document_of(ROW).fields.items())))
    assert sha256(said.encode()).hexdigest()[:16] == PINNED[VERSION]


@given(st.integers(0, 2**53))
def test_a_price_is_in_its_band_and_bands_do_not_overlap(price: int) -> None:
    low, high = price_band(price)
    assert low <= price <= high
    assert price_band(low) == price_band(high) == (low, high)
    assert price_band(high + 1)[0] == high + 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_a_token_says_what_it_was_made_of_in_harmless_letters(said: list[str]) -> None:
    made = token("attribute", *said)
    assert said_by(made) == ["attribute", *said]
    assert made.isascii()
    assert not set(made) & set(" \\|{}\x1f\"'")


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_number_of_a_name_never_contradicts_its_order(one: str, other: str) -> None:
    first, second = (" ".join(words(name)) for name in (one, other))
    if first.encode() > second.encode():
        first, second = second, first
    assert name_number(first) <= name_number(second) < 2**48


async def test_the_database_splits_texts_into_the_same_words(database: Database) -> None:
    """Every letter and digit there is, alone and within a word; a few marks of rare scripts aside."""
    letters = [
        chr(number) for number in range(32, 0x20000)
        if unicodedata.category(chr(number))[0] in "LNPZS" and unicodedata.category(chr(number)) != "So"
    ]  # fmt: skip
    async with database.engine.connect() as connection:
        rows: Any = await connection.exec_driver_sql(
            "SELECT letter, search_words('a' || letter || 'B') FROM unnest(CAST($1 AS text[])) letter", (letters,)
        )
        different = [row[0] for row in rows if " ".join(words(f"a{row[0]}B")) != row[1]]
    assert different == []
