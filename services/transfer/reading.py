"""A catalogue file read as a whole: what it is, and every product in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from io import BufferedIOBase

from services.transfer import csv_rows, json_lines
from services.transfer.entries import Entry, Format

_READERS: dict[Format, Callable[[BufferedIOBase], Iterator[Entry]]] = {
    Format.CSV: csv_rows.read,
    Format.JSONL: json_lines.read,
}


@dataclass(frozen=True)
class Outline:
    sha256: str
    products: int


def read(file: BufferedIOBase, form: Format) -> Iterator[Entry]:
    """From the beginning, one product at a time. Raises FileRefused on the way."""
    file.seek(0)
    return _READERS[form](file)


def look_over(file: BufferedIOBase, form: Format) -> Outline:
    """Reads the file to its end, so that one that breaks off is refused before anything of it is written.

    Raises FileRefused.
    """
    file.seek(0)
    return Outline(file_digest(file, "sha256").hexdigest(), sum(1 for _ in read(file, form)))
