"""Pages of what is listed by a name, such as a SKU: the cursor is the last name seen."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from domain.errors import InvalidCursor
from domain.text import is_storable

SkuPath = Annotated[str, Path(max_length=64)]


@dataclass(frozen=True)
class NamePage:
    limit: int
    after: str | None

    def next_cursor(self, rows: Sequence[Any], last: str | None) -> str | None:
        """`rows` were read with one more than the limit: a cursor where there is a next page."""
        if len(rows) <= self.limit or last is None:
            return None
        return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


async def read_name_page(
    limit: Annotated[int, Query(ge=1, le=100, description="How many items to return.")] = 20,
    cursor: Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")] = None,
) -> NamePage:
    """Raises InvalidCursor."""
    return NamePage(limit, _decoded(cursor) if cursor is not None else None)


def _decoded(cursor: str) -> str:
    try:
        name = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except ValueError as error:  # of base64 and of UTF-8
        raise InvalidCursor from error
    if not name or not is_storable(name):
        raise InvalidCursor
    return name


NamePageDep = Annotated[NamePage, Depends(read_name_page)]
