"""What a catalogue file says, product by product, before anybody asked whether it is good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import BufferedIOBase
from typing import Any

from domain.errors import FileRefused

MAX_LINE = 1024 * 1024
"""Bytes: what a product's body may have over HTTP, and all that is held of a line that never ends."""

_BOM = b"\xef\xbb\xbf"


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Refusal:
    """Why a product is not imported. `field` is a CSV's column, or the path in a line of JSON; "" means all of it."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """One product as it stands in the file, in the form of the body of POST /products, and what is wrong already."""

    line: int
    body: dict[str, Any] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()
    rows: Sequence[int] = ()
    """In a CSV: the line of each variant."""

    def refusal(self, place: Sequence[int | str], reason: str) -> Refusal:
        """At a place of the body, such as ("variants", 1, "price", "amount"), in the words of the file."""
        if not self.rows:
            return Refusal(self.line, ".".join(str(part) for part in place), reason)
        is_of_a_variant = place[:1] == ("variants",) and len(place) > 1
        row = self.rows[int(place[1])] if is_of_a_variant else self.line
        names = [str(part) for part in (place[2:] if is_of_a_variant else place) if part != "amount"]
        return Refusal(row, names[-1] if names[-1:] == ["currency"] else ".".join(names), reason)


@dataclass(frozen=True)
class Line:
    """`text` is None for one that is longer than MAX_LINE: the rest of it was passed over."""

    number: int
    text: str | None


def lines(file: BufferedIOBase) -> Iterator[Line]:
    """Numbered from 1, without a byte order mark. Raises FileRefused where the file is not UTF-8."""
    number = 0
    while part := file.readline(MAX_LINE + 1):
        number += 1
        if len(part) > MAX_LINE:
            while not part.endswith(b"\n") and (part := file.readline(MAX_LINE)):
                pass
            yield Line(number, None)
            continue
        try:
            yield Line(number, (part.removeprefix(_BOM) if number == 1 else part).decode())
        except UnicodeDecodeError as error:
            what = f"Line {number} is not UTF-8: byte 0x{part[error.start]:02x}. Save the file as UTF-8."
            raise FileRefused(what, line=number) from None
