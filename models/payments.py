"""Payments, their attempts, the provider's webhooks, and the double-entry money ledger."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from domain.orders import PaymentStatus
from models.base import document, minor_units, moment, one_of, uuid7_key, written_at


class Account(StrEnum):
    """Accounts of the money ledger. A positive entry is a debit."""

    CLEARING = "provider_clearing"  # what the provider owes us
    SALES = "sales"


class Payment(SQLModel, table=True):
    """One per order, on one intent at the provider: a second charge has nowhere to go."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("order_id"),
        UniqueConstraint("provider", "provider_ref"),
        one_of("status", PaymentStatus),
        CheckConstraint("0 <= refunded AND refunded <= captured AND captured <= amount", name="amounts_in_order"),
    )

    id: UUID = uuid7_key()
    order_id: UUID = Field(foreign_key="orders.id")
    provider: str = Field(max_length=32)
    provider_ref: str | None = Field(default=None, max_length=255)
    status: str = Field(default=PaymentStatus.PENDING.value)
    currency: str = Field(max_length=3)
    amount: int = minor_units()
    captured: int = minor_units(default=0)
    refunded: int = minor_units(default=0)
    redirect_url: str | None = Field(default=None, max_length=2000)
    confirmations: int = Field(
        default=0, description="How often the provider was asked to authorise: numbers the keys."
    )
    created_at: datetime = written_at()
    updated_at: datetime = written_at()


class PaymentAttempt(SQLModel, table=True):
    """One card tried on a payment; written before the provider is called. `number` runs from 1."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("number > 0", name="number_positive"),
        UniqueConstraint("order_id", "idempotency_key"),
    )

    order_id: UUID = Field(foreign_key="orders.id", primary_key=True)
    number: int = Field(primary_key=True)
    idempotency_key: str = Field(max_length=255)
    fingerprint: str = Field(max_length=64)
    payment_token: str = Field(max_length=255)
    at: datetime = written_at()


class WebhookMessage(SQLModel, table=True):
    """The inbox: a webhook is kept before it is answered, and once only."""

    __tablename__ = "webhook_inbox"
    __table_args__ = (UniqueConstraint("provider", "event_id"),)

    id: UUID = uuid7_key()
    provider: str = Field(max_length=32)
    event_id: str = Field(max_length=255)
    type: str = Field(max_length=120)
    order_id: UUID | None = Field(default=None, index=True)
    payload: dict[str, Any] = document()
    received_at: datetime = written_at()
    delivered_at: datetime | None = moment()


class LedgerTransaction(SQLModel, table=True):
    """One fact about money, booked once: unique on (payment, kind, fact)."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("payment_id", "kind", "fact"),)

    id: UUID = uuid7_key()
    payment_id: UUID = Field(foreign_key="payments.id")
    kind: str = Field(max_length=32)
    fact: str = Field(max_length=255)
    at: datetime = written_at()


class LedgerEntry(SQLModel, table=True):
    """One side of a transaction; a deferred trigger refuses a transaction whose entries do not sum to zero (M7)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        one_of("account", Account),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index("ix_ledger_entries_transaction_id", "transaction_id"),
        Index("ix_ledger_entries_account", "account", "currency", postgresql_include=["amount"]),
    )

    id: UUID = uuid7_key()
    transaction_id: UUID = Field(foreign_key="ledger_transactions.id")
    account: str = Field(max_length=32)
    currency: str = Field(max_length=3)
    amount: int = minor_units()
