"""A SKU that can no longer be bought, can be bought again, or runs low: told in the transaction that makes it so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, CTE, Integer, String, Text, case, column, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.notifications import NoticeKind
from models.inventory import StockEvent, StockEventKind
from services import notices, search_changes


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
    """No statement at all where nothing was crossed. Staff hear of what runs low or out, in the statement that writes
    the events. Search hears only of zero: it knows no figures.
    """
    crossed = [(course, kind) for course in courses for kind in course.events()]
    if not crossed:
        return
    await notices.tell_staff(session, _news_of(_written(crossed)))
    await search_changes.append_skus(session, {course.sku for course, kind in crossed if kind != StockEventKind.LOW})


def _written(crossed: Sequence[tuple[Course, StockEventKind]]) -> CTE:
    names = {"sku": Text, "kind": Text, "available": Integer, "threshold": Integer}
    rows = func.unnest(
        literal([course.sku for course, _ in crossed], ARRAY(String)),
        literal([kind.value for _, kind in crossed], ARRAY(String)),
        literal([course.after for course, _ in crossed], ARRAY(Integer)),
        literal([course.threshold for course, _ in crossed], ARRAY(Integer)),
    ).table_valued(*(column(name, kind) for name, kind in names.items()))
    written = insert(StockEvent).from_select(list(names), select(rows.render_derived()), include_defaults=False)
    return written.returning(StockEvent).cte("written")


def _news_of(written: CTE) -> CTE:
    """What runs out has run low as well, which is not worth another word."""
    is_out = written.c.kind == StockEventKind.OUT.value
    is_low = (written.c.kind == StockEventKind.LOW.value) & (written.c.available > 0)
    told = select(
        written.c.id.label("event"),
        case((is_out, NoticeKind.STOCK_OUT.value), else_=NoticeKind.STOCK_LOW.value).label("kind"),
        func.jsonb_build_object("sku", written.c.sku, "available", written.c.available).label("facts"),
    )
    return told.where(or_(is_out, is_low)).cte("told")


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
