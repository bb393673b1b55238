"""The payment provider as the shop sees it. One implementation: `gateways/stripe_payments.py`.

Terms are the field's: *authorise* sets money aside, *capture* takes it, *void* lets go of it before the capture.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from domain.money import Money
from domain.orders import RefundStatus


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
    """One payment intent as the provider tells it. `order_id` comes back from the metadata that we sent.

    `created` is by the provider's clock.
    """

    ref: str
    status: IntentStatus
    amount: Money
    captured: Money
    refunded: Money
    order_id: UUID | None
    redirect_url: str | None = None
    decline_code: str | None = None
    created: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ProviderRefund:
    """One refund as the provider tells it. `refund_id` is ours, and None where somebody else gave the money back."""

    ref: str
    status: RefundStatus
    amount: Money
    refund_id: UUID | None


@dataclass(frozen=True)
class WebhookEvent:
    """A verified webhook. `intent_ref` and `order_id` are None where the event is not about an intent of ours.

    `refund_id` is set where it is about a refund of ours, `refund_ref` where it is about one refund. `is_outcome` when
    it tells how a confirmation ended. `facts` is what of it is kept: ids, a state, amounts.
    """

    event_id: str
    type: str
    intent_ref: str | None
    order_id: UUID | None
    refund_id: UUID | None = None
    refund_ref: str | None = None
    is_outcome: bool = False
    is_refund: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


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

    async def find(self, ref: str) -> Intent | None:
        """None where the provider knows no such intent."""
        ...

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        """Take the whole amount. An intent that is captured already is returned as it is. Raises PaymentRefused."""
        ...

    async def void(self, ref: str, order_id: UUID) -> Intent:
        """Let go of the money. VOIDED, or CAPTURED where it was too late. An already void one is returned as it is."""
        ...

    async def refund(self, ref: str, order_id: UUID, refund_id: UUID, amount: Money, key_number: int) -> ProviderRefund:
        """Give this much of a captured intent back: once for each number of the refund's key.

        Ask `find_refund` before: a provider forgets its keys. Raises PaymentRefused with the provider's `reason` when
        it will not, and KeyUsedUp when only a key with a higher number can still succeed.
        """
        ...

    async def find_refund(self, ref: str, refund_id: UUID) -> ProviderRefund | None:
        """The refund of this intent that was asked for under this id, whatever became of the reply."""
        ...

    async def refunds(self, ref: str) -> list[ProviderRefund]:
        """All of this intent's, the newest first."""
        ...

    def journal(self, since: datetime | None = None, after: str | None = None) -> AsyncIterator[list[Intent]]:
        """The intents in the provider's own books by pages, the newest first: made `since`, and before `after`."""
        ...

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        """Raises WebhookRefused for a signature that is missing, wrong, or made more than five minutes from now."""
        ...


class ProviderUnavailable(Exception):
    """No answer, or a 5xx: what happened is unknown until the provider is asked. Repeat or retrieve."""


class KeyUsedUp(ProviderUnavailable):
    """This key's call is over, and its failure is what the key answers from now on: whether it did its work is unknown
    until the provider is asked, and it cannot do it any more."""
