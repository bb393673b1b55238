"""Payments, as their owner and staff see them."""

from uuid import UUID

from pydantic import BaseModel

from api.schemas.common import Money
from models.payments import Payment


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
