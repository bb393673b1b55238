"""Sessions with what their lines book."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from models.inventory import Location, StockSession, StockSessionLine, StockSessionStatus


@dataclass(frozen=True)
class WholeSession:
    session: StockSession
    location: str
    lines: Sequence[StockSessionLine]


def difference(line: StockSessionLine) -> int:
    """What the line books, in units: all of a delivery; of a count, what the book did not say when it was counted."""
    return line.quantity - (line.expected_on_hand or 0)


async def one(session: AsyncSession, session_id: UUID) -> WholeSession:
    """With its lines by SKU. Raises NotFound."""
    statement = (
        select(StockSession, col(Location.code))
        .join(Location, col(Location.id) == StockSession.location_id)
        .where(col(StockSession.id) == session_id)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such session.")
    return WholeSession(row[0], row[1], await lines_of(session, session_id))


async def lines_of(session: AsyncSession, session_id: UUID) -> Sequence[StockSessionLine]:
    """By SKU."""
    statement = select(StockSessionLine).where(col(StockSessionLine.session_id) == session_id)
    ordered = statement.order_by(col(StockSessionLine.sku)).execution_options(populate_existing=True)
    return (await session.execute(ordered)).scalars().all()


async def page(
    session: AsyncSession, status: StockSessionStatus | None, limit: int, after: tuple[datetime, UUID] | None
) -> Sequence[tuple[StockSession, str, int]]:
    """Each with its location and the number of its lines, the newest first. `after` is (opened_at, id)."""
    count = select(func.count()).where(col(StockSessionLine.session_id) == StockSession.id).scalar_subquery()
    here = col(Location.id) == StockSession.location_id
    statement = select(StockSession, col(Location.code), count).join(Location, here)
    if status is not None:
        statement = statement.where(col(StockSession.status) == status)
    if after is not None:
        statement = statement.where(tuple_(col(StockSession.opened_at), col(StockSession.id)) < after)
    statement = statement.order_by(col(StockSession.opened_at).desc(), col(StockSession.id).desc()).limit(limit)
    return (await session.execute(statement)).all()
