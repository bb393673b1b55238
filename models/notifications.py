"""What people are told: written in the transaction of what it tells of, once per (order, event, kind, recipient)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import XID8, document, moment, uuid7_key, written_at


class Notification(SQLModel, table=True):
    """In one recipient's inbox. `event` names the fact: an order's event, a refund, a stock event. `facts` are the
    values that its words need, never a person's.

    (`xid`, `id`) is the order in which they can be seen: what is below the oldest running transaction is complete, so
    that a reader who remembers a place misses nothing that is committed late.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("order_id", "event", "kind", "user_id", postgresql_nulls_not_distinct=True),
        Index("ix_notifications_newest", "user_id", text("created_at DESC"), text("id DESC")),
        Index("ix_notifications_place", "user_id", "xid", "id"),
        Index("ix_notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
    )

    id: UUID = uuid7_key()
    user_id: UUID = Field(foreign_key="users.id")
    kind: str = Field(max_length=40)
    order_id: UUID | None = Field(default=None, foreign_key="orders.id")
    event: str = Field(max_length=200)
    facts: dict[str, Any] = document(default="{}")
    xid: str = Field(default=None, sa_column=Column(XID8, nullable=False, server_default=text("pg_current_xact_id()")))
    created_at: datetime = written_at()
    read_at: datetime | None = moment()
