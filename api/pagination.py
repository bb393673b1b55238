"""Keyset pages: a cursor is the sort key of the last row seen, opaque to clients: a time and an id, or a name."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from domain.errors import InvalidCursor
from domain.text import is_storable

Item = TypeVar("Item")
After = tuple[datetime, UUID]


class PageQuery(BaseModel):
    limit: int
    after: After | None


async def read_page(
    limit: Annotated[int, Query(ge=1, le=100, description="How many items to return.")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> PageQuery:
    return PageQuery(limit=limit, after=_decode(cursor) if cursor is not None else None)


PageDep = Annotated[PageQuery, Depends(read_page)]


def cut(rows: Sequence[Item], page: PageQuery, key: Callable[[Item], After]) -> tuple[Sequence[Item], str | None]:
    """What to show of rows that were read with one more than the limit, and the cursor where there is a next page."""
    shown = rows[: page.limit]
    if len(rows) <= page.limit:
        return shown, None
    at, id_ = key(shown[-1])
    return shown, base64.urlsafe_b64encode(orjson.dumps([at.isoformat(), str(id_)])).decode().rstrip("=")


def _decode(cursor: str) -> After:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, key = orjson.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise InvalidCursor
        return moment.astimezone(UTC), UUID(key)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise InvalidCursor from error


@dataclass(frozen=True)
class NamePage:
    """Of what is listed by a name, such as a SKU: the cursor is the last name seen."""

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
