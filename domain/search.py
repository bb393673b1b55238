"""What a search is: the words that were typed, the filters, the order. Redis and Postgres both answer to this."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST_TEXT = 200
"""Characters. A search of more is no search."""

_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u3099\u309a]")
"""What stands on letters, and not everybody types: accents, the points of Hebrew and Arabic, the voicing of kana."""


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE = "price"
    DEAREST = "-price"
    NAME = "name"
    NEWEST = "-created_at"


@dataclass(frozen=True)
class Wanted:
    """`text` is None where nothing was typed. Prices are in minor units, both ends included.

    `attributes` are pairs of name and value: one name's values are alternatives, different names must all hold.
    """

    text: str | None = None
    category: str | None = None
    brand: str | None = None
    price_min: int | None = None
    price_max: int | None = None
    in_stock: bool | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> list[str]:
        """Each once, in the order typed."""
        return list(dict.fromkeys(words(self.text or "")))

    @property
    def is_impossible(self) -> bool:
        """Something was typed and no word is in it: nothing can be found, whatever `*` means to a search engine."""
        return self.text is not None and not self.words

    @property
    def by_attribute(self) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = {}
        for name, value in self.attributes:
            grouped.setdefault(name, []).append(value)
        return grouped


def words(text: str) -> list[str]:
    """Letters and digits, without case and accents. The database's `search_words` makes the same of the same text."""
    folded = _MARKS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return "".join(_kept(letter) for letter in folded).split()


def _kept(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isalnum() else " "
    category = unicodedata.category(letter)
    is_vowel_sign = category in ("Mn", "Mc") and unicodedata.combining(letter) == 0
    return letter if category[0] == "L" or category in ("Nd", "Nl") or is_vowel_sign else " "


def text_of(value: object) -> str:
    """An attribute's value as filters and facets write it: true, 180, cotton."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
