"""What staff, admins and machines did: to whom or what, when, from where."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import document, uuid7_key, written_at


class AuditEntry(SQLModel, table=True):
    """Written in the transaction of the act. `details` are ids and values of the shop, never a person's data."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_newest", text("at DESC"), text("id DESC")),
        Index("ix_audit_entries_of_subject", "subject", "subject_id", text("at DESC"), text("id DESC")),
        Index("ix_audit_entries_of_actor", "actor_id", text("at DESC"), text("id DESC")),
    )

    id: UUID = uuid7_key()
    actor_id: UUID | None = Field(default=None, foreign_key="users.id")
    action: str = Field(max_length=64)
    subject: str = Field(max_length=32)
    subject_id: str = Field(max_length=64)
    address: str | None = Field(default=None, max_length=64)
    request_id: str | None = Field(default=None, max_length=128)
    details: dict[str, Any] = document(default="{}")
    at: datetime = written_at()
