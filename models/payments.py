"""Payments, their attempts, the provider's webhooks, and the double-entry money ledger."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from domain.orders import PaymentStatus, RefundStatus
from models.base import document, minor_units, moment, one_of, touched_at, uuid7_key, written_at


class Account(StrEnum):
    """Accounts of the money ledger. A positive entry is a debit."""

    CLEARING = "provider_clearing"  # what the provider owes us
    CASH = "cash"  # what couriers collected for us, and we paid back by hand
    SALES = "sales"


class RefundCause(StrEnum):
    STAFF = "staff"  # asked for
    RETURN = "return"  # goods came back
    CANCELLATION = "cancellation"  # the order was given up after its money was taken
    PROVIDER = "provider"  # found in the provider's books: somebody gave it back over there


class Payment(SQLModel, table=True):
    """One per order, on one intent at the provider: a second charge has nowhere to go."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("order_id"),
        UniqueConstraint("provider", "provider_ref"),
        one_of("status", PaymentStatus),
        CheckConstraint("0 <= refunded AND refunded <= captured AND captured <= amount", name="amounts_in_order"),
        Index("ix_payments_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_payments_by_status", "status", text("created_at DESC"), text("id DESC")),
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
    updated_at: datetime = touched_at()


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


class Refund(SQLModel, table=True):
    """Money to give back, claimed before the provider is asked: pending and succeeded ones never exceed the capture.

    `provider_key` numbers the key that the provider is asked with: a new one only once an earlier call is known to be
    over without effect. `finished_at` is when it succeeded or failed, `failure` then the refusal's code.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("cause", RefundCause),
        one_of("status", RefundStatus),
        CheckConstraint("amount > 0", name="amount_positive"),
        UniqueConstraint("user_id", "idempotency_key"),
        UniqueConstraint("provider_ref"),
        Index("uq_refunds_return_id", "return_id", unique=True, postgresql_where=text("status <> 'failed'")),
        Index("ix_refunds_of_payment", "payment_id", text("created_at DESC"), text("id DESC")),
        Index("ix_refunds_pending", "created_at", postgresql_where=text("status = 'pending'")),
    )

    id: UUID = uuid7_key()
    payment_id: UUID = Field(foreign_key="payments.id")
    order_id: UUID = Field(foreign_key="orders.id", index=True)
    return_id: UUID | None = Field(default=None, foreign_key="returns.id")
    cause: str
    status: str = Field(default=RefundStatus.PENDING.value)
    currency: str = Field(max_length=3)
    amount: int = minor_units()
    reason: str = Field(default="", max_length=500)
    requested_by: str = Field(max_length=64, description="`checkout`, `temporal`, or a user's id.")
    user_id: UUID | None = Field(default=None, foreign_key="users.id")
    idempotency_key: str | None = Field(default=None, max_length=255)
    fingerprint: str | None = Field(default=None, max_length=64)
    provider_ref: str | None = Field(default=None, max_length=255)
    provider_key: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    failure: str | None = Field(default=None, max_length=64)
    created_at: datetime = written_at()
    finished_at: datetime | None = moment()


class Reconciliation(SQLModel, table=True):
    """One comparison of the provider's journal with our books. Counts are of payments."""

    __tablename__ = "reconciliations"
    __table_args__ = (Index("ix_reconciliations_newest", text("started_at DESC"), text("id DESC")),)

    id: UUID = uuid7_key()
    provider: str = Field(max_length=32)
    since: datetime = moment(nullable=False)
    started_at: datetime = written_at()
    finished_at: datetime | None = moment()
    compared: int = 0
    different: int = 0
    mended: int = 0


class ReconciliationDifference(SQLModel, table=True):
    """What differed, in whose favour, and what was done about it. `ours` and `theirs` hold amounts and states."""

    __tablename__ = "reconciliation_differences"
    __table_args__ = (
        UniqueConstraint("reconciliation_id", "provider_ref", "kind"),
        Index("ix_reconciliation_differences_order_id", "order_id"),
    )

    id: UUID = uuid7_key()
    reconciliation_id: UUID = Field(foreign_key="reconciliations.id")
    provider_ref: str = Field(max_length=255)
    order_id: UUID | None = None
    kind: str = Field(max_length=40)
    ours: dict[str, Any] = document()
    theirs: dict[str, Any] = document()
    mended: bool = False
    at: datetime = written_at()


class WebhookMessage(SQLModel, table=True):
    """The inbox: a webhook is kept before it is answered, and once only."""

    __tablename__ = "webhook_inbox"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("ix_webhook_inbox_received_at", "received_at"),
    )

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
