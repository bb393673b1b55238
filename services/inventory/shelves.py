"""Stock rows: locked in one order, changed in one statement, and what that crosses is told.

Whoever changes a SKU locks its rows at every location, so that the total over them is known: of two that take the last
units at different locations, one sees that nothing is left.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CTE, Integer, Select, String, Text, Uuid, column, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import Insert, Update
from sqlmodel import col

from domain.errors import BelowReserved, TooManyUnits
from models.catalogue import Variant
from models.inventory import Location, MovementKind, Stock, StockMovement
from services.inventory import events
from services.inventory.events import Course
from services.inventory.opening import open_at

MOST_UNITS = 1_000_000_000
"""On one shelf: well within the column, which ends at 2,147,483,647."""


@dataclass(frozen=True)
class Shelf:
    """A SKU at a location, locked. `version` counts the changes of this row."""

    sku: str
    location_id: UUID
    code: str
    on_hand: int
    reserved: int
    version: int

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved


@dataclass(frozen=True)
class Change:
    """What to add to a shelf, in units."""

    shelf: Shelf
    on_hand: int = 0
    reserved: int = 0


async def keep(session: AsyncSession, skus: Collection[str]) -> None:
    """Hold SKUs that no order may refer to yet against being deleted.

    Comes before their stock is locked: deleting takes the SKU first and its stock then, and what is booked takes both.
    """
    kept = select(col(Variant.sku)).where(col(Variant.sku).in_(skus)).order_by(col(Variant.sku))
    await session.execute(kept.with_for_update(read=True, key_share=True))


async def lock(session: AsyncSession, skus: Collection[str] | Select[str]) -> list[Shelf]:
    """All rows of these SKUs, by (SKU, location): in one order, so that no two wait for each other."""
    statement = (
        select(
            col(Stock.sku), col(Stock.location_id), col(Location.code),
            col(Stock.on_hand), col(Stock.reserved), col(Stock.version),
        )
        .join(Location, col(Location.id) == Stock.location_id)
        .where(col(Stock.sku).in_(skus))
        .order_by(col(Stock.sku), col(Stock.location_id))
        .with_for_update(of=Stock)
    )  # fmt: skip
    return [Shelf(*row) for row in await session.execute(statement)]


async def lock_at(session: AsyncSession, skus: Collection[str], location_id: UUID) -> list[Shelf]:
    """The same, with a row at this location for each SKU that the shop has, and keeps meanwhile."""
    await keep(session, skus)
    shelves = await lock(session, skus)
    missing = set(skus) - {shelf.sku for shelf in shelves if shelf.location_id == location_id}
    if missing:
        await open_at(session, missing, location_id)
        shelves = await lock(session, skus)
    return shelves


def require_possible(changes: Iterable[Change]) -> None:
    """What the table's CHECK would refuse, with the figures. Raises BelowReserved and TooManyUnits."""
    below = [change for change in changes if change.shelf.on_hand + change.on_hand < change.shelf.reserved]
    above = [change for change in changes if change.shelf.on_hand + change.on_hand > MOST_UNITS]
    if below:
        skus = ", ".join(change.shelf.sku for change in below)
        raise BelowReserved(f"Not so many units of {skus} are free of orders.", lines=[_line(one) for one in below])
    if above:
        raise TooManyUnits(most=MOST_UNITS, lines=[_line(one) for one in above])


def _line(change: Change) -> dict[str, Any]:
    shelf = change.shelf
    return {
        "sku": shelf.sku, "location": shelf.code,
        "on_hand": shelf.on_hand, "reserved": shelf.reserved, "delta": change.on_hand,
    }  # fmt: skip


def listed(changes: Sequence[Change]) -> CTE:
    """These changes as a table, whose text is the same whatever their number: Postgres plans it once."""
    table = (
        func.unnest(
            literal([change.shelf.sku for change in changes], ARRAY(String)),
            literal([change.shelf.location_id for change in changes], ARRAY(Uuid)),
            literal([change.on_hand for change in changes], ARRAY(Integer)),
            literal([change.reserved for change in changes], ARRAY(Integer)),
        )
        .table_valued(
            column("sku", Text), column("location_id", Uuid), column("on_hand", Integer), column("reserved", Integer),
        )
        .render_derived(name="listed")
    )  # fmt: skip
    return select(table).cte("changes")


def booking(changes: CTE, kind: MovementKind, reason: str, **about: UUID | None) -> Insert:
    """The ledger's rows of these changes. `about` are the ids of a movement: its order, session or actor."""
    fixed = {"kind": literal(kind.value), "reason": literal(reason)}
    fixed |= {name: literal(value, Uuid) for name, value in about.items()}
    rows = select(changes.c.sku, changes.c.location_id, changes.c.on_hand, *fixed.values())
    columns = ["sku", "location_id", "delta", *fixed]
    return insert(StockMovement).from_select(columns, rows.where(changes.c.on_hand != 0), include_defaults=False)


async def shift(session: AsyncSession, changes: CTE, *beside: Insert | Update) -> None:
    """Add the changes to rows that are locked, do the writes `beside` in the same statement, tell what was crossed.

    The total is read by this statement and not from the locked rows: it knows of a shelf that was opened while we
    waited for the others.
    """
    everywhere = aliased(Stock)
    total = select(func.sum(everywhere.on_hand - everywhere.reserved)).where(col(everywhere.sku) == Stock.sku)
    statement = (
        update(Stock)
        .where(col(Stock.sku) == changes.c.sku, col(Stock.location_id) == changes.c.location_id)
        .values(
            on_hand=Stock.on_hand + changes.c.on_hand,
            reserved=Stock.reserved + changes.c.reserved,
            version=Stock.version + 1,
        )
        .returning(
            col(Stock.sku), changes.c.on_hand - changes.c.reserved, col(Stock.low_stock_threshold),
            total.scalar_subquery(),
        )
    )  # fmt: skip
    for number, write in enumerate(beside, 1):
        statement = statement.add_cte(write.cte(f"beside_{number}"))
    added: defaultdict[str, int] = defaultdict(int)
    before = {}
    for sku, units, threshold, available in await session.execute(
        statement, execution_options={"synchronize_session": False}
    ):
        added[sku] += units
        before[sku] = available, threshold
    await events.tell(
        session, [Course(sku, there, there + added[sku], threshold) for sku, (there, threshold) in before.items()]
    )
