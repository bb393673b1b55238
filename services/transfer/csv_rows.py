"""Catalogue files as CSV: comma, double quotes, a header, one row per variant, a product's rows together.

Where a product has several rows, the columns of the product are read from its first one; the others leave them empty
or say the same. Cells of attributes, images and options hold JSON; prices are minor units. An empty cell says
nothing, but for the description, which is then empty.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase, StringIO
from itertools import groupby, islice
from typing import Any

import orjson

from domain.errors import FileRefused
from services.catalogue.drafts import MAX_VARIANTS
from services.transfer.entries import MAX_LINE, Entry, Refusal, lines

PRODUCT_COLUMNS = ("slug", "name", "description", "brand", "category", "status", "attributes", "images")
VARIANT_COLUMNS = ("sku", "price", "currency", "options")
COLUMNS = (*PRODUCT_COLUMNS, *VARIANT_COLUMNS)
"""Of an export, in this order. An import takes any order."""
INITIAL_STOCK = "initial_stock"
KNOWN = {*COLUMNS, INITIAL_STOCK}
REQUIRED = {"slug", "name", "description", "sku", "price", "currency"}
JSON_COLUMNS = {"attributes", "images", "options"}
NUMBER_COLUMNS = {"price", INITIAL_STOCK}

_WHOLE = re.compile(r"-?[0-9]{1,17}")

MAX_ROWS = MAX_VARIANTS + 1
"""Read of one product: enough to refuse it, so that a file of a single slug stays small in memory."""


@dataclass(frozen=True)
class Row:
    """`line` is where it begins: a quoted cell may hold line breaks."""

    line: int
    cells: Sequence[str]


def read(file: BufferedIOBase) -> Iterator[Entry]:
    """Raises FileRefused where it is no CSV of the catalogue: encoding, header, quoting, a line without an end."""
    rows = _rows(file)
    header = next(rows, None)
    if header is None:
        raise FileRefused("Line 1 is missing: it names the columns.", line=1)
    columns = _columns(header)
    slug = columns.index("slug")

    def product_of(row: Row) -> str | int:
        return (row.cells[slug] if slug < len(row.cells) else "") or row.line

    for _, together in groupby(rows, product_of):
        yield _entry(columns, list(islice(together, MAX_ROWS)))


def _rows(file: BufferedIOBase) -> Iterator[Row]:
    reader = csv.reader(_texts(file), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f"The quoting is broken in the row that begins on line {begins}: {error}."
            raise FileRefused(what, line=begins) from None
        if cells:
            yield Row(begins, cells)


def _texts(file: BufferedIOBase) -> Iterator[str]:
    for line in lines(file):
        if line.text is None:
            raise FileRefused(f"Line {line.number} is longer than {MAX_LINE} bytes.", line=line.number)
        yield line.text


def _columns(header: Row) -> list[str]:
    columns = [name.strip() for name in header.cells]
    wrong = [f"there is no column {name!r}" for name in columns if name not in KNOWN]
    wrong += [f"the column {name!r} stands there twice" for name in sorted(KNOWN) if columns.count(name) > 1]
    wrong += [f"the column {name!r} is missing" for name in sorted(REQUIRED - set(columns))]
    if wrong:
        hint = " Columns are parted by commas." if len(columns) == 1 else ""
        what = f"The header on line {header.line} is not good: {'; '.join(wrong[:10])}.{hint}"
        raise FileRefused(what, line=header.line)
    return columns


def _entry(columns: Sequence[str], rows: Sequence[Row]) -> Entry:
    first = rows[0]
    refusals = [
        Refusal(row.line, "", f"has {len(row.cells)} cells where the header has {len(columns)}")
        for row in rows
        if len(row.cells) != len(columns)
    ]
    if refusals:
        return Entry(first.line, refusals=refusals)
    body: dict[str, Any] = {"variants": []}
    for row in rows:
        cells = dict(zip(columns, row.cells, strict=True))
        body["variants"].append(_variant(row.line, cells, refusals))
        if row is first:
            body |= _said(row.line, {name: cells.get(name, "") for name in PRODUCT_COLUMNS}, refusals)
        else:
            refusals += _differences(columns, first, row)
    return Entry(first.line, body, refusals, [row.line for row in rows])


def _variant(line: int, cells: dict[str, str], refusals: list[Refusal]) -> dict[str, Any]:
    said = _said(line, {name: cells.get(name, "") for name in (*VARIANT_COLUMNS, INITIAL_STOCK)}, refusals)
    price = {name: said.pop(key) for name, key in (("amount", "price"), ("currency", "currency")) if key in said}
    return said | {"price": price}


def _said(line: int, cells: dict[str, str], refusals: list[Refusal]) -> dict[str, Any]:
    """The values of the cells that are not empty."""
    said = {}
    for name, cell in cells.items():
        try:
            if cell or name == "description":
                said[name] = _value(name, cell)
        except ValueError as error:
            refusals.append(Refusal(line, name, str(error)))
    return said


def _value(column: str, cell: str) -> Any:
    if column in NUMBER_COLUMNS:
        digits = cell.strip()
        if not _WHOLE.fullmatch(digits):
            example = "minor units, such as 1999 for 19.99 USD" if column == "price" else "units"
            raise ValueError(f"is not a whole number of {example}")
        return int(digits)
    if column in JSON_COLUMNS:
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            example = '["https://…"]' if column == "images" else '{"Colour": "Red"}'
            raise ValueError(f"is not JSON, such as {example}") from None
    return cell


def _differences(columns: Sequence[str], first: Row, row: Row) -> Iterator[Refusal]:
    for name, ours, cell in zip(columns, first.cells, row.cells, strict=True):
        if name in PRODUCT_COLUMNS and cell and cell != ours:
            yield Refusal(row.line, name, f"differs from line {first.line}, where this product begins")


def render(product: dict[str, Any]) -> bytes:
    """The product's columns stand in its first row; of the others only the slug, which holds them together."""
    own = [_cell(product[name]) for name in PRODUCT_COLUMNS]
    slug_alone = [own[0], *[""] * (len(own) - 1)]
    return b"".join(
        _line([*(slug_alone if number else own), *_cells(variant)])
        for number, variant in enumerate(product["variants"])
    )


def _cells(variant: dict[str, Any]) -> list[str]:
    price = variant["price"]
    return [variant["sku"], str(price["amount"]), price["currency"], _cell(variant["options"])]


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode() if value else ""
    return value or ""


def _line(cells: Sequence[str]) -> bytes:
    """As RFC 4180 has it, with CR LF: with LF alone older Pythons would leave a CR in a cell unquoted."""
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


HEAD = _line(COLUMNS)
