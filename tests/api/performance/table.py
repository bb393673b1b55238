"""The table of docs/performance.md: read by the test that holds it true, and written by `--write-round-trips`."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.api.performance.trips import Trips

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"
HEAD = "| endpoint | Redis | Postgres | queries | Temporal |\n|---|--:|--:|--:|--:|\n"
ROW = re.compile(r"\| `([^`]+)`([^|]*) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|\n")


def read() -> dict[str, Trips]:
    """By endpoint, such as `GET /products`, with what follows it in its cell."""
    _, rows, _ = _parted()
    return {f"{row[1]}{row[2]}": Trips(*(int(count) for count in row.groups()[2:])) for row in ROW.finditer(rows)}


def write(measured: Mapping[str, Trips]) -> None:
    above, _, below = _parted()
    PAGE.write_text(above + "".join(_row(name, trips) for name, trips in measured.items()) + below)


def _parted() -> tuple[str, str, str]:
    """The page up to the table's first row, its rows, and the rest."""
    above, head, below = PAGE.read_text().partition(HEAD)
    rows = re.match(r"(\|.*\n)*", below)
    assert head, f"{PAGE.name} has no table of round trips"
    assert rows
    return above + head, rows[0], below[rows.end() :]


def _row(name: str, trips: Trips) -> str:
    method, path, *rest = name.split(" ", 2)
    more = f" {rest[0]}" if rest else ""
    return f"| `{method} {path}`{more} | {trips.redis} | {trips.postgres} | {trips.queries} | {trips.temporal} |\n"
