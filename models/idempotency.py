"""Keys of requests other than checkouts, which have a table of their own. Kept for 24 hours."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.base import written_at


class IdempotencyKey(SQLModel, table=True):
    """Written in the transaction of the write, or before the message, that the request makes; its scope is the caller.

    `resource` is what the request made, as its route reads it back: an id, or nothing.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_at", "at"),)

    user_id: UUID = Field(foreign_key="users.id", primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: str = Field(max_length=64)
    resource: str | None = Field(default=None, max_length=255)
    at: datetime = written_at()
