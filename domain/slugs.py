"""Slugs stand in an address instead of an id: lower-case letters and digits of any script, and single hyphens."""

import re
import unicodedata
from uuid import UUID

LONGEST = 120
"""Characters, of a product's slug and of a category's."""

ROOM = 8
"""What a made slug leaves of that, for the number that tells it from another of the same name."""


def slug_of(name: str, *, fallback: str) -> str:
    """Made from a name: "Café Crème 2" is cafe-creme-2, "日本茶" stays as it is, and "!!!" becomes the fallback."""
    slug = _hyphened(name)[: LONGEST - ROOM].strip("-") or fallback
    return f"{fallback}-{slug}" if _is_id(slug) else slug


def is_slug(text: str) -> bool:
    """Whether somebody may choose it: not what would be taken for an id."""
    return 0 < len(text) <= LONGEST and text == _hyphened(text) and not _is_id(text)


def numbered(slug: str, number: int) -> str:
    """The first has no number, the second ends in -2."""
    return slug if number == 1 else f"{slug}-{number}"


def _hyphened(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = unicodedata.normalize("NFC", re.sub("(?<=[a-z])[\u0300-\u036f]+", "", folded))
    # A mark belongs to the letter before it, in scripts that write vowels so.
    kept = (letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in plain)
    return "-".join("".join(kept).split())


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
