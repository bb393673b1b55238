"""The payment provider as the shop sees it. One implementation: `gateways/stripe_payments.py`.

Terms are the field's: *authorise* sets money aside, *capture* takes it, *void* lets go of it before the capture.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.money import Money


class IntentStatus(StrEnum):
    """Where a payment intent stands at the provider."""

    UNPAID = "unpaid"  # created, or its last confirmation was declined
    REQUIRES_ACTION = "requires_action"  # the bank wants the shopper (3-D Secure)
    PROCESSING = "processing"  # not known yet: ask again
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True)
class Intent:
    """One payment intent as the provider tells it. `order_id` comes back from the metadata that we sent."""

    ref: str
    status: IntentStatus
    amount: Money
    captured: Money
    refunded: Money
    order_id: UUID | None
    redirect_url: str | None = None
    decline_code: str | None = None


@dataclass(frozen=True)
class WebhookEvent:
    """A verified webhook. `intent_ref` and `order_id` are None where the event is not about an intent of ours."""

    event_id: str
    type: str
    intent_ref: str | None
    order_id: UUID | None


class PaymentGateway(Protocol):
    """Every call is safe to repeat. Raises ProviderUnavailable when the outcome is unknown or the provider is away."""

    name: str

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        """An intent for this order, unconfirmed: the same one for the same attempt.

        A provider stores a 500 under its key and would replay it for ever, so a later attempt has a key of its own.
        One intent too many is harmless: only the one whose id we stored is ever confirmed.
        """
        ...

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        """Try to authorise with this token: AUTHORIZED or REQUIRES_ACTION.

        Raises PaymentDeclined, PaymentTokenUnknown, PaymentRefused.
        """
        ...

    async def retrieve(self, ref: str) -> Intent: ...

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        """Take the whole amount. An intent that is captured already is returned as it is. Raises PaymentRefused."""
        ...

    async def void(self, ref: str, order_id: UUID) -> Intent:
        """Let go of the money. VOIDED, or CAPTURED where it was too late. An already void one is returned as it is."""
        ...

    async def journal(self) -> list[Intent]:
        """Every intent in the provider's own books, for reconciliation."""
        ...

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        """Raises WebhookRefused for a signature that is missing, wrong or older than five minutes."""
        ...


class ProviderUnavailable(Exception):
    """No answer, or a 5xx: what happened is unknown until the provider is asked. Repeat or retrieve."""
