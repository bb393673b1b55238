"""Orders with their lines, their events, and the requests that they come from."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Sequence, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from domain.orders import CaptureAt, OrderStatus, PaymentMethod, ReservationStatus
from models.base import document, metadata, minor_units, moment, one_of, written_at

ORDER_NUMBERS = Sequence("order_numbers", start=100001, metadata=metadata)


class CartClaim(StrEnum):
    """What a checkout request does to the cart it was made from."""

    HELD = "held"  # the order is being made: no other key may order this cart
    TAKEN = "taken"  # its lines are out of the cart
    FREED = "freed"  # the order was refused: the cart may be ordered again


class RequestOutcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"


class CheckoutRequest(SQLModel, table=True):
    """What a shopper asked for, written before the message that starts the order: personal data stays here."""

    __tablename__ = "checkout_requests"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        one_of("claim", CartClaim),
        one_of("payment_method", PaymentMethod),
        # Two keys for one cart make one order: while one is being made, and of one version of the cart ever.
        Index("uq_checkout_requests_cart_held", "cart_id", unique=True, postgresql_where=text("claim = 'held'")),
        Index(
            "uq_checkout_requests_cart_version",
            "cart_id",
            "cart_version",
            unique=True,
            postgresql_where=text("claim in ('held', 'taken')"),
        ),
        Index("ix_checkout_requests_open", "touched_at", postgresql_where=text("outcome IS NULL")),
    )

    order_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    idempotency_key: str = Field(max_length=255)
    fingerprint: str = Field(max_length=64)
    payment_method: str
    payment_token: str | None = Field(default=None, max_length=255)
    shipping_address: dict[str, Any] = document()
    notes: str | None = Field(default=None, max_length=1000)
    cart_id: UUID
    cart_version: int
    currency: str = Field(max_length=3)
    lines: list[dict[str, Any]] = document()
    claim: str = Field(default=CartClaim.HELD.value)
    taken_version: int | None = None
    outcome: str | None = None
    refusal: dict[str, Any] | None = document(nullable=True)
    created_at: datetime = written_at()
    touched_at: datetime = written_at()


class Order(SQLModel, table=True):
    """Written by its workflow alone, through `services.orders.moving.move`. `version` counts its events."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus),
        one_of("payment_method", PaymentMethod),
        one_of("reservation_status", ReservationStatus),
        one_of("capture_at", CaptureAt),
        CheckConstraint("total = subtotal - discount + shipping + tax", name="total_adds_up"),
        CheckConstraint("total >= 0", name="total_not_negative"),
        Index("ix_orders_of_user", "user_id", text("placed_at DESC"), text("id DESC")),
        Index("ix_orders_by_status", "status", text("placed_at DESC"), text("id DESC")),
        Index("ix_orders_newest", text("placed_at DESC"), text("id DESC")),
    )

    id: UUID = Field(primary_key=True, foreign_key="checkout_requests.order_id")
    number: str = Field(
        default=None,
        sa_column=Column(
            String(20), unique=True, nullable=False, server_default=text("'TW-' || nextval('order_numbers')")
        ),
    )
    user_id: UUID = Field(foreign_key="users.id")
    status: str
    payment_method: str
    reservation_status: str = Field(default=ReservationStatus.NONE.value)
    capture_at: str = Field(
        default=CaptureAt.CONFIRMATION.value, sa_column_kwargs={"server_default": text("'confirmation'")}
    )
    currency: str = Field(max_length=3)
    subtotal: int = minor_units()
    discount: int = minor_units(default=0)
    shipping: int = minor_units(default=0)
    tax: int = minor_units(default=0)
    total: int = minor_units()
    shipping_address: dict[str, Any] = document()
    notes: str | None = Field(default=None, max_length=1000)
    cancel_reason: str | None = Field(default=None, max_length=64)
    hold_expires_at: datetime = moment(nullable=False)
    placed_at: datetime = written_at()
    version: int = 0


class OrderLine(SQLModel, table=True):
    """What was sold, as it was called and priced then."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("line_total = quantity * unit_price", name="line_total_adds_up"),
    )

    order_id: UUID = Field(foreign_key="orders.id", primary_key=True)
    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    position: int
    product_id: UUID = Field(foreign_key="products.id")
    name: str = Field(max_length=300)
    quantity: int
    unit_price: int = minor_units()
    line_total: int = minor_units()


class OrderEvent(SQLModel, table=True):
    """One thing that happened to an order. `seq` runs from 1 without a gap; a note has the same state on both sides."""

    __tablename__ = "order_events"
    __table_args__ = (CheckConstraint("seq > 0", name="seq_positive"), one_of("to_status", OrderStatus))

    order_id: UUID = Field(foreign_key="orders.id", primary_key=True)
    seq: int = Field(primary_key=True)
    kind: str = Field(max_length=40)
    from_status: str | None = None
    to_status: str
    actor: str = Field(max_length=64, description="`checkout`, `temporal`, or a user's id.")
    note: str | None = Field(default=None, max_length=500)
    at: datetime = written_at()
