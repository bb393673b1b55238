"""Payments and refunds, as their owner and staff see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.schemas.common import Body, Money, Page, Text
from models.payments import Payment, Refund


class PaymentView(BaseModel):
    id: UUID
    order_id: UUID
    provider: str
    status: str
    amount: Money
    captured: Money
    refunded: Money

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        def in_its_currency(amount: int) -> Money:
            return Money(amount=amount, currency=payment.currency)

        return cls(
            id=payment.id,
            order_id=payment.order_id,
            provider=payment.provider,
            status=payment.status,
            amount=in_its_currency(payment.amount),
            captured=in_its_currency(payment.captured),
            refunded=in_its_currency(payment.refunded),
        )


class PaymentPage(Page):
    items: list[PaymentView]


class RefundBody(Body):
    """Without an `amount` all that is left goes back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"amount": {"amount": 500, "currency": "USD"}, "reason": "one lamp came scratched"},
                {"reason": "sent back by the carrier"},
            ]
        }
    )

    amount: Money | None = None
    reason: Annotated[Text, Field(max_length=500)]

    @field_validator("amount")
    @classmethod
    def _is_some(cls, value: Money | None) -> Money | None:
        if value is not None and value.amount == 0:
            raise ValueError("nothing is no refund")
        return value


class RefundView(BaseModel):
    """`pending` until the provider has taken it on, then `succeeded`, or `failed` where it will not."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    amount: Money
    reason: str
    status: str
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund) -> "RefundView":
        return cls(
            id=refund.id,
            payment_id=refund.payment_id,
            order_id=refund.order_id,
            amount=Money(amount=refund.amount, currency=refund.currency),
            reason=refund.reason,
            status=refund.status,
            created_at=refund.created_at,
        )


class RefundPage(Page):
    items: list[RefundView]
