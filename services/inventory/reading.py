"""Stock as staff see it: one total over all locations, what lies where, and which orders hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.orders import ReservationStatus
from models.inventory import Location, Reservation, Stock, StockMovement
from models.orders import Order
from services.inventory.locations import place_in_line

SHOWN_HOLDERS = 50


@dataclass(frozen=True)
class StockTotal:
    """One SKU over all locations, in units."""

    sku: str
    on_hand: int
    reserved: int
    low_stock_threshold: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass(frozen=True)
class AtLocation:
    code: str
    on_hand: int
    reserved: int


@dataclass(frozen=True)
class Holder:
    """An order that holds units of the SKU, over all locations."""

    order_id: UUID
    number: str
    quantity: int
    expires_at: datetime


@dataclass(frozen=True)
class HeldBy:
    """How many orders hold the SKU, and the newest of them."""

    count: int
    orders: list[Holder]


@dataclass(frozen=True)
class StockPicture(StockTotal):
    """`version` counts the changes at all locations."""

    version: int
    locations: list[AtLocation]
    held_by: HeldBy


async def picture(session: AsyncSession, sku: str) -> StockPicture:
    """Raises NotFound for a SKU without stock rows."""
    statement = (
        select(Stock, col(Location.code))
        .join(Location, col(Location.id) == Stock.location_id)
        .where(col(Stock.sku) == sku)
        .execution_options(populate_existing=True)
    )
    rows = sorted((await session.execute(statement)).all(), key=lambda row: place_in_line(row[1]))
    if not rows:
        raise NotFound(f"There is no SKU {sku}.")
    return StockPicture(
        sku,
        on_hand=sum(stock.on_hand for stock, _ in rows),
        reserved=sum(stock.reserved for stock, _ in rows),
        low_stock_threshold=max(stock.low_stock_threshold for stock, _ in rows),
        version=sum(stock.version for stock, _ in rows),
        locations=[AtLocation(code, stock.on_hand, stock.reserved) for stock, code in rows],
        held_by=await _held_by(session, sku),
    )


async def version_of(session: AsyncSession, sku: str) -> int:
    """As `StockPicture.version`. Read after the rows are locked, it knows of a location that came meanwhile."""
    version: int = (await session.execute(select(func.sum(Stock.version)).where(col(Stock.sku) == sku))).scalar_one()
    return version


async def _held_by(session: AsyncSession, sku: str) -> HeldBy:
    held_since = func.max(Reservation.created_at)
    statement = (
        select(
            col(Order.id), col(Order.number), func.sum(Reservation.quantity), func.min(Reservation.expires_at),
            func.count().over(),
        )
        .join(Order, col(Order.id) == Reservation.order_id)
        .where(col(Reservation.sku) == sku, col(Reservation.status) == ReservationStatus.HELD)
        .group_by(col(Order.id))
        .order_by(held_since.desc(), col(Order.id))
        .limit(SHOWN_HOLDERS)
    )  # fmt: skip
    rows = (await session.execute(statement)).all()
    return HeldBy(rows[0][-1] if rows else 0, [Holder(*row[:-1]) for row in rows])


async def page(session: AsyncSession, limit: int, after: str | None, *, is_low: bool) -> list[StockTotal]:
    """By SKU. `after` is the last one seen; `is_low` leaves those at or below their threshold."""
    on_hand, reserved, threshold = (
        func.sum(Stock.on_hand), func.sum(Stock.reserved), func.max(Stock.low_stock_threshold),
    )  # fmt: skip
    statement = select(col(Stock.sku), on_hand, reserved, threshold).group_by(col(Stock.sku))
    if after is not None:
        statement = statement.where(col(Stock.sku) > after)
    if is_low:
        statement = statement.having(on_hand - reserved <= threshold)
    rows = await session.execute(statement.order_by(col(Stock.sku)).limit(limit))
    return [StockTotal(*row) for row in rows]


async def movements(
    session: AsyncSession, sku: str, limit: int, after: UUID | None
) -> Sequence[tuple[StockMovement, str]]:
    """With the location's code, the newest first. `after` is the id of the last one seen. Raises NotFound."""
    statement = (
        select(StockMovement, col(Location.code))
        .join(Location, col(Location.id) == StockMovement.location_id)
        .where(col(StockMovement.sku) == sku)
    )
    if after is not None:
        statement = statement.where(col(StockMovement.id) < after)
    rows = (await session.execute(statement.order_by(col(StockMovement.id).desc()).limit(limit))).all()
    if not rows and after is None:
        await picture(session, sku)  # raises for a SKU that is not there
    return rows


async def movement(session: AsyncSession, movement_id: UUID) -> tuple[StockMovement, str]:
    """With the location's code. Raises NotFound for one that went with its SKU."""
    statement = (
        select(StockMovement, col(Location.code))
        .join(Location, col(Location.id) == StockMovement.location_id)
        .where(col(StockMovement.id) == movement_id)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("The SKU was deleted since, and its movements with it.")
    return row[0], row[1]
