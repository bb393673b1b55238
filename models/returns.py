"""Goods on their way back, by line; each return is a workflow."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from domain.orders import ReturnStatus
from models.base import minor_units, moment, one_of, uuid7_key, written_at


class ReturnCause(StrEnum):
    CUSTOMER = "customer"  # asked for, after delivery
    UNDELIVERED = "undelivered"  # the order was cancelled after it was shipped: its money is dealt with already


class Return(SQLModel, table=True):
    """`refund_amount` is what the lines are worth, in the order's currency; `deadline_at` ends the state it is in.

    `restock` is None until the goods are received, and False where they were written off. `started_at` is when its
    workflow took it up, `closed_at` when that had nothing more to do.
    """

    __tablename__ = "returns"
    __table_args__ = (
        one_of("cause", ReturnCause),
        one_of("status", ReturnStatus),
        CheckConstraint("refund_amount >= 0", name="refund_amount_not_negative"),
        Index("ix_returns_of_order", "order_id", text("created_at DESC"), text("id DESC")),
        Index("ix_returns_of_user", "user_id", text("created_at DESC"), text("id DESC")),
        Index("ix_returns_by_status", "status", text("created_at DESC"), text("id DESC")),
        Index("ix_returns_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_returns_open", "created_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: UUID = uuid7_key()
    order_id: UUID = Field(foreign_key="orders.id")
    user_id: UUID = Field(foreign_key="users.id", description="Of the customer.")
    cause: str
    status: str = Field(default=ReturnStatus.REQUESTED.value)
    reason: str = Field(default="", max_length=500)
    requested_by: str = Field(max_length=64)
    note: str | None = Field(default=None, max_length=500, description="Of whoever decided.")
    currency: str = Field(max_length=3)
    refund_amount: int = minor_units()
    restock: bool | None = None
    deadline_at: datetime | None = moment()
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = written_at()
    started_at: datetime | None = moment()
    decided_at: datetime | None = moment()
    received_at: datetime | None = moment()
    closed_at: datetime | None = moment()


class ReturnLine(SQLModel, table=True):
    """Over an order's returns, but rejected and expired ones, no more units than were shipped: kept under its lock.

    `amount` is what the customer paid for these units, in the order's currency.
    """

    __tablename__ = "return_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )

    return_id: UUID = Field(foreign_key="returns.id", primary_key=True)
    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    quantity: int
    amount: int = minor_units()
