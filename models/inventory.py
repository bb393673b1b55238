"""Stock per SKU and location, the ledger that explains its `on_hand`, the holds that make its `reserved`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from domain.orders import ReservationStatus
from models.base import moment, one_of, uuid7_key, written_at


class MovementKind(StrEnum):
    RECEIPT = "receipt"  # goods came in
    ADJUSTMENT = "adjustment"  # staff corrected it, with a reason
    COUNT = "count"  # what a count found differs from the book
    TRANSFER = "transfer"  # from one location to another: two that add up to nothing
    SALE = "sale"  # a hold was confirmed
    SALE_UNDONE = "sale_undone"  # the compensating row of a sale whose order was cancelled
    RETURN = "return"  # what was shipped came back and can be sold again


class Location(SQLModel, table=True):
    __tablename__ = "locations"

    id: UUID = uuid7_key()
    code: str = Field(unique=True, max_length=32)
    name: str = Field(max_length=120)


class Stock(SQLModel, table=True):
    """`available` = on_hand − reserved. `version` counts the changes of this row."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved_within_on_hand"),
        CheckConstraint("low_stock_threshold >= 0", name="threshold_not_negative"),
    )

    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    location_id: UUID = Field(foreign_key="locations.id", primary_key=True)
    on_hand: int = 0
    reserved: int = 0
    low_stock_threshold: int = 5
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class StockMovement(SQLModel, table=True):
    """The ledger: Σ delta = on_hand (S1). An order's sale, and its undoing, happen once each per SKU and location."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint("delta <> 0", name="delta_not_zero"),
        one_of("kind", MovementKind),
        Index("ix_stock_movements_sku_id", "sku", text("id DESC")),
        Index(
            "uq_stock_movements_order_fact",
            "order_id",
            "kind",
            "sku",
            "location_id",
            unique=True,
            postgresql_where=text("order_id IS NOT NULL"),
        ),
        Index(
            "uq_stock_movements_return_fact",
            "return_id",
            "sku",
            "location_id",
            unique=True,
            postgresql_where=text("return_id IS NOT NULL"),
        ),
    )

    id: UUID = uuid7_key()
    sku: str = Field(foreign_key="variants.sku", max_length=64)
    location_id: UUID = Field(foreign_key="locations.id")
    delta: int
    kind: str
    reason: str = ""
    order_id: UUID | None = Field(default=None, foreign_key="orders.id")
    session_id: UUID | None = Field(default=None, foreign_key="stock_sessions.id")
    return_id: UUID | None = Field(default=None, foreign_key="returns.id")
    actor_id: UUID | None = Field(default=None, foreign_key="users.id")
    at: datetime = written_at()


class StockSessionKind(StrEnum):
    RECEIVE = "receive"
    COUNT = "count"


class StockSessionStatus(StrEnum):
    OPEN = "open"
    APPLIED = "applied"
    DISCARDED = "discarded"


class StockSession(SQLModel, table=True):
    """Staff receive a delivery or count a shelf: lines are gathered while it is open and booked when it is applied."""

    __tablename__ = "stock_sessions"
    __table_args__ = (
        one_of("kind", StockSessionKind),
        one_of("status", StockSessionStatus),
        Index("ix_stock_sessions_newest", text("opened_at DESC"), text("id DESC")),
    )

    id: UUID = uuid7_key()
    kind: str
    status: str = Field(default=StockSessionStatus.OPEN.value)
    location_id: UUID = Field(foreign_key="locations.id")
    reference: str = Field(default="", max_length=200)
    opened_by: UUID = Field(foreign_key="users.id")
    opened_at: datetime = written_at()
    closed_at: datetime | None = moment()


class StockSessionLine(SQLModel, table=True):
    """Units received, or counted; `expected_on_hand` is the book's figure when the line was counted."""

    __tablename__ = "stock_session_lines"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity_not_negative"),)

    session_id: UUID = Field(foreign_key="stock_sessions.id", primary_key=True)
    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    quantity: int
    expected_on_hand: int | None = None
    at: datetime = written_at()


class StockEventKind(StrEnum):
    LOW = "low"  # available fell to the threshold or below
    OUT = "out"  # nothing is available any more
    BACK = "back"  # available again


class StockEvent(SQLModel, table=True):
    """A SKU crossed its threshold or zero, over all locations: written in the transaction that made it cross."""

    __tablename__ = "stock_events"
    __table_args__ = (one_of("kind", StockEventKind), Index("ix_stock_events_sku_id", "sku", text("id DESC")))

    id: UUID = uuid7_key()
    sku: str = Field(foreign_key="variants.sku", max_length=64)
    kind: str
    available: int
    threshold: int
    at: datetime = written_at()


class Reservation(SQLModel, table=True):
    """An order's hold on units of one SKU at one location."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("status <> 'none'", name="status_not_none"),
        one_of("status", ReservationStatus),
        Index("ix_reservations_held", "sku", "location_id", postgresql_where=text("status = 'held'")),
    )

    order_id: UUID = Field(foreign_key="orders.id", primary_key=True)
    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    location_id: UUID = Field(foreign_key="locations.id", primary_key=True)
    quantity: int
    status: str = Field(default=ReservationStatus.HELD.value)
    expires_at: datetime = moment(nullable=False)
    created_at: datetime = written_at()
