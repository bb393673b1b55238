"""Keyset pages: a cursor is the sort key of the last row seen, opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from domain.errors import InvalidCursor

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


def next_cursor(rows: Sequence[Item], page: PageQuery, last: After | None) -> str | None:
    """`rows` were read with one more than the limit: a cursor where there is a next page."""
    if len(rows) <= page.limit or last is None:
        return None
    at, key = last
    return base64.urlsafe_b64encode(orjson.dumps([at.isoformat(), str(key)])).decode().rstrip("=")


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
