"""Where a page of a search ended: the sort key of its last product, good for the same search in the same order only."""

import base64
import binascii
import json
import re
from dataclasses import astuple, dataclass
from hashlib import sha256
from uuid import UUID

from domain.errors import InvalidCursor
from domain.search import Sort, Wanted
from domain.text import is_storable

_KEY = re.compile(r"[^\x00-\x1e!-,./:-@\[-`{-\x7f]{1,200}")
"""Words, blanks, and an id: nothing that a query language would read."""

LARGEST = 2**53


@dataclass(frozen=True)
class Mark:
    """`tier` is 0 but for relevance; then `number` orders (a price, microseconds, the start of a name), then `key`.

    `key` ends in the product's id, so that no two products have the same mark.
    """

    tier: int
    number: int
    key: str


def encode(mark: Mark, wanted: Wanted, sort: Sort) -> str:
    content = json.dumps([mark.tier, mark.number, mark.key], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(content, wanted, sort) + content).decode().rstrip("=")


def decode(cursor: str, wanted: Wanted, sort: Sort) -> Mark:
    """Raises InvalidCursor for one of another search or another order, and for what was never given out."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = sealed[8:]
        if sealed[:8] != _seal(content, wanted, sort):
            raise InvalidCursor
        tier, number, key = json.loads(content)
        is_mark = _is_whole(tier, 9) and _is_whole(number, LARGEST) and isinstance(key, str) and _is_key(key)
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidCursor from error
    if not is_mark:
        raise InvalidCursor
    return Mark(tier, number, key)


def fingerprint(wanted: Wanted, sort: Sort | None = None) -> str:
    """Of what is searched for, as far as it makes a difference."""
    said = wanted.text and " ".join(wanted.words)
    return sha256(repr((said, *astuple(wanted)[1:], sort)).encode("utf-8", "surrogatepass")).hexdigest()


def _seal(content: bytes, wanted: Wanted, sort: Sort) -> bytes:
    return sha256(fingerprint(wanted, sort).encode() + content).digest()[:8]


def _is_key(text: str) -> bool:
    return is_storable(text) and _KEY.fullmatch(text) is not None and str(UUID(text[-36:])) == text[-36:]


def _is_whole(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -largest <= value <= largest
