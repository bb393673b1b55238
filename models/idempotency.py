"""Keys of requests other than checkouts, which have a table of their own. Kept for 24 hours."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.base import written_at


class IdempotencyKey(SQLModel, table=True):
    """Written before the message that the request sends; the key's scope is its caller."""

    __tablename__ = "idempotency_keys"

    user_id: UUID = Field(foreign_key="users.id", primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: str = Field(max_length=64)
    at: datetime = written_at()
