"""Who may sign in, and by what: sessions with their refresh tokens, tokens sent by mail, keys of machines."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text, text
from sqlalchemy.dialects import postgresql
from sqlmodel import Field, SQLModel

from domain.permissions import Role
from models.base import moment, one_of, uuid7_key, written_at


class User(SQLModel, table=True):
    """A person, or with the role `service` the machine that an API key speaks for, which has no password."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        one_of("role", Role),
        Index("ix_users_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_users_staff", text("created_at DESC"), text("id DESC"), postgresql_where=text("role <> 'customer'")),
        Index("ix_users_email_start", "email", postgresql_ops={"email": "text_pattern_ops"}),
        Index("ix_users_name_words", text("to_tsvector('simple', full_name)"), postgresql_using="gin"),
    )

    id: UUID = uuid7_key()
    email: str = Field(unique=True, max_length=254)
    password_hash: str
    full_name: str = Field(max_length=200)
    phone: str | None = Field(default=None, max_length=32)
    role: str = Field(default=Role.CUSTOMER.value)
    is_active: bool = True
    email_verified_at: datetime | None = moment()
    erased_at: datetime | None = moment()
    created_at: datetime = written_at()


class UserSession(SQLModel, table=True):
    """One sign-in and the family of refresh tokens that came from it. Ended once, it stays ended.

    The row outlives its end: an address that the account signed in from is not a stranger's.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_of_user", "user_id", "address"),)

    id: UUID = uuid7_key()
    user_id: UUID = Field(foreign_key="users.id")
    address: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=300)
    created_at: datetime = written_at()
    last_used_at: datetime = written_at()
    expires_at: datetime = moment(nullable=False)
    ended_at: datetime | None = moment()
    end_reason: str | None = Field(default=None, max_length=32)


class RefreshToken(SQLModel, table=True):
    """The SHA-256 of a token; `used_at` is its first use. Deleted when its session ends."""

    __tablename__ = "refresh_tokens"

    hash: str = Field(primary_key=True, max_length=64)
    session_id: UUID = Field(foreign_key="user_sessions.id", index=True, ondelete="CASCADE")
    created_at: datetime = written_at()
    used_at: datetime | None = moment()


class MailPurpose(StrEnum):
    VERIFY_EMAIL = "verify-email"
    PASSWORD_RESET = "password-reset"  # noqa: S105 — a purpose, not a password
    ALREADY_REGISTERED = "already-registered"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 — a purpose, not a password
    NOTICE = "notice"  # what the notification of its row says


class Mail(SQLModel, table=True):
    """A mail to write: inert until its workflow sends it. What it says is made of this row when it is sent.

    One without a recipient goes to nobody: it is written all the same, so that who asks cannot tell by the time it
    takes. `token_hash` is the SHA-256 of the token that the mail carries, where it carries one: good once, until
    `expires_at`. `used_from` is the address that sent it back. `taken_at` is when a workflow was given it, `over_at`
    when there was nothing left to do: it was sent, refused for good, or not needed any more.
    """

    __tablename__ = "mails"
    __table_args__ = (
        one_of("purpose", MailPurpose),
        Index("ix_mails_of_user", "user_id", "purpose"),
        Index("ix_mails_untaken", "created_at", postgresql_where=text("taken_at IS NULL")),
        Index("ix_mails_under_way", "taken_at", postgresql_where=text("over_at IS NULL")),
    )

    id: UUID = uuid7_key()
    user_id: UUID | None = Field(default=None, foreign_key="users.id")
    purpose: str
    recipient: str | None = Field(default=None, max_length=254)
    notification_id: UUID | None = Field(default=None, foreign_key="notifications.id", unique=True, ondelete="CASCADE")
    token_hash: str | None = Field(default=None, max_length=64, unique=True)
    expires_at: datetime | None = moment()
    used_at: datetime | None = moment()
    used_from: str | None = Field(default=None, max_length=64)
    created_at: datetime = written_at()
    taken_at: datetime | None = moment()
    sent_at: datetime | None = moment()
    over_at: datetime | None = moment()


class ApiKey(SQLModel, table=True):
    """A machine's key: shown once, kept as its SHA-256. It acts as `user_id`, a user with the role `service`."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_newest", text("created_at DESC"), text("id DESC")),)

    id: UUID = uuid7_key()
    user_id: UUID = Field(foreign_key="users.id", index=True)
    name: str = Field(max_length=120)
    prefix: str = Field(max_length=16)
    hash: str = Field(unique=True, max_length=64)
    permissions: list[str] = Field(sa_column=Column(postgresql.ARRAY(Text), nullable=False))
    created_by: UUID = Field(foreign_key="users.id")
    created_at: datetime = written_at()
    expires_at: datetime | None = moment()
    last_used_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
