"""A SKU that can no longer be bought, can be bought again, or runs low: told in the transaction that makes it so."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.inventory import StockEvent, StockEventKind
from services import search_changes


@dataclass(frozen=True)
class Course:
    """What was available of a SKU over all locations, and what is, in units."""

    sku: str
    before: int
    after: int
    threshold: int
    threshold_before: int | None = None  # None: it stayed the same

    def events(self) -> list[StockEventKind]:
        """A SKU that runs out has run low as well."""
        was_low = self.before <= (self.threshold if self.threshold_before is None else self.threshold_before)
        crossed = {
            StockEventKind.LOW: self.after <= self.threshold and not was_low,
            StockEventKind.OUT: self.after <= 0 < self.before,
            StockEventKind.BACK: self.before <= 0 < self.after,
        }
        return [kind for kind, is_so in crossed.items() if is_so]


async def tell(session: AsyncSession, courses: Iterable[Course]) -> None:
    """No statement at all where nothing was crossed. Search hears only of zero: it knows no figures."""
    crossed = [(course, kind) for course in courses for kind in course.events()]
    if not crossed:
        return
    rows = [
        {"sku": course.sku, "kind": kind, "available": course.after, "threshold": course.threshold}
        for course, kind in crossed
    ]
    await session.execute(insert(StockEvent), rows)
    await search_changes.append_skus(session, {course.sku for course, kind in crossed if kind != StockEventKind.LOW})


async def page(
    session: AsyncSession,
    limit: int,
    after: UUID | None,
    *,
    sku: str | None = None,
    kind: StockEventKind | None = None,
) -> list[StockEvent]:
    """The newest first. `after` is the id of the last one seen.

    Ids are made while the SKU is locked, so that their order is that of the crossings; `at` is when its transaction
    began.
    """
    statement = select(StockEvent)
    if sku is not None:
        statement = statement.where(col(StockEvent.sku) == sku)
    if kind is not None:
        statement = statement.where(col(StockEvent.kind) == kind)
    if after is not None:
        statement = statement.where(col(StockEvent.id) < after)
    return list((await session.execute(statement.order_by(col(StockEvent.id).desc()).limit(limit))).scalars())
