"""What customers keep: their addresses and what they prefer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import uuid7_key, written_at


class Address(SQLModel, table=True):
    """Of a customer's address book, by country (ISO 3166 alpha-2). One at most is the default."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index("uq_addresses_default", "user_id", unique=True, postgresql_where=text("is_default")),
        Index("ix_addresses_of_user", "user_id", text("created_at DESC"), text("id DESC")),
    )

    id: UUID = uuid7_key()
    user_id: UUID = Field(foreign_key="users.id")
    full_name: str = Field(max_length=200)
    line1: str = Field(max_length=200)
    line2: str | None = Field(default=None, max_length=200)
    city: str = Field(max_length=120)
    region: str | None = Field(default=None, max_length=120)
    postal_code: str = Field(max_length=16)
    country: str = Field(max_length=2)
    phone: str | None = Field(default=None, max_length=32)
    is_default: bool = False
    created_at: datetime = written_at()


class Preferences(SQLModel, table=True):
    """Absent until they are set for the first time; the defaults stand here."""

    __tablename__ = "preferences"

    user_id: UUID = Field(foreign_key="users.id", primary_key=True)
    language: str = Field(default="en", max_length=16)
    currency: str = Field(default="USD", max_length=3)
    order_emails: bool = True
    marketing_emails: bool = False
    updated_at: datetime = written_at()
