"""Catalogue files as JSON Lines: each line is the body of a POST /products, with its slug."""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

import orjson

from services.transfer.entries import MAX_LINE, Entry, Line, Refusal, lines


def read(file: BufferedIOBase) -> Iterator[Entry]:
    """Raises FileRefused where the file is not UTF-8. A line that is not good is refused by itself."""
    for line in lines(file):
        if line.text is None or line.text.strip():
            yield _entry(line)


def _entry(line: Line) -> Entry:
    if line.text is None:
        return _refused(line, f"is longer than {MAX_LINE} bytes")
    try:
        body = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        return _refused(line, f"is not JSON: {error}")
    if not isinstance(body, dict):
        return _refused(line, "is not an object")
    return Entry(line.number, body)


def _refused(line: Line, reason: str) -> Entry:
    return Entry(line.number, refusals=[Refusal(line.number, "", reason)])


def render(product: dict[str, Any]) -> bytes:
    return orjson.dumps(product, option=orjson.OPT_APPEND_NEWLINE)
