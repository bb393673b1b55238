"""Who may sign in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.base import one_of, uuid7_key, written_at


class Role(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        return self is not Role.CUSTOMER


class User(SQLModel, table=True):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"), one_of("role", Role))

    id: UUID = uuid7_key()
    email: str = Field(unique=True, max_length=254)
    password_hash: str
    full_name: str = Field(max_length=200)
    phone: str | None = Field(default=None, max_length=32)
    role: str = Field(default=Role.CUSTOMER.value)
    is_active: bool = True
    created_at: datetime = written_at()
