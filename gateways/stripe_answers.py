"""What Stripe answers, in the shop's words: intents, refunds, events, and errors as facts or as unknown outcomes."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import stripe

from domain.errors import PaymentDeclined, PaymentRefused, PaymentTokenUnknown
from domain.money import Money
from domain.orders import RefundStatus
from domain.text import is_storable
from gateways.payments import Intent, IntentStatus, KeyUsedUp, ProviderRefund, ProviderUnavailable, WebhookEvent

Answer = TypeVar("Answer")

_STATUS = {
    "requires_payment_method": IntentStatus.UNPAID,
    "requires_confirmation": IntentStatus.UNPAID,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.AUTHORIZED,
    "succeeded": IntentStatus.CAPTURED,
    "canceled": IntentStatus.VOIDED,
}

_REFUND_STATUS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}

_OUTCOMES = frozenset(
    f"payment_intent.{what}" for what in ("amount_capturable_updated", "succeeded", "payment_failed", "canceled")
)

_KEPT = (
    "id", "object", "payment_intent", "status", "currency", "amount", "amount_capturable", "amount_received",
    "amount_captured", "created",
)  # fmt: skip
"""Of what an event is about. The rest of it may tell of the shopper and the card."""


class UnexpectedState(Exception):
    """The intent is not in a state in which this can happen: it may have happened before."""


async def ask(call: Awaitable[Answer]) -> Answer:
    """Turn the SDK's errors into facts, or into ProviderUnavailable where what happened is not known."""
    try:
        return await call
    except stripe.CardError as error:
        decline_code = getattr(error.error, "decline_code", None) or error.code
        raise PaymentDeclined("The card was declined.", decline_code=decline_code) from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise ProviderUnavailable(f"no answer from the payment provider ({type(error).__name__})") from error
    except stripe.InvalidRequestError as error:
        if error.code == "payment_intent_unexpected_state":
            raise UnexpectedState from error
        if error.code == "resource_missing" and error.param == "payment_method":
            raise PaymentTokenUnknown("The payment provider does not know this payment token.") from error
        if error.http_status == 409:
            raise ProviderUnavailable("the provider is still busy with the same request") from error
        raise PaymentRefused(f"The payment provider refused the request: {error.code}.", reason=error.code) from error
    except stripe.StripeError as error:
        if _is_replayed_failure(error):
            raise KeyUsedUp(f"the payment provider answers {error.http_status} to this key for ever") from error
        if error.http_status is None or error.http_status >= 500 or error.http_status in (409, 429):
            raise ProviderUnavailable(f"the payment provider answered {error.http_status}") from error
        raise PaymentRefused(f"The payment provider refused the request ({error.http_status}).") from error


def _is_replayed_failure(error: stripe.StripeError) -> bool:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return (error.http_status or 0) >= 500 and headers.get("idempotent-replayed") == "true"


def refund_of(refund: stripe.Refund) -> ProviderRefund:
    amount = Money(refund.amount, refund.currency.upper())
    status = _REFUND_STATUS[refund.status or "succeeded"]
    return ProviderRefund(refund.id, status, amount, _id_in(refund.metadata, "refund_id"))


def intent_of(intent: stripe.PaymentIntent) -> Intent:
    currency = intent.currency.upper()
    charge = intent.latest_charge
    error = intent.last_payment_error
    redirect = getattr(intent.next_action, "redirect_to_url", None)
    refunded = _refunded(charge) if isinstance(charge, stripe.Charge) else 0
    return Intent(
        ref=intent.id,
        status=_STATUS[intent.status],
        amount=Money(intent.amount, currency),
        captured=Money(intent.amount_received, currency),
        refunded=Money(refunded, currency),
        order_id=_id_in(intent.metadata, "order_id"),
        redirect_url=redirect.url if redirect else None,
        decline_code=(getattr(error, "decline_code", None) or error.code) if error else None,
        created=datetime.fromtimestamp(intent.created, UTC),
    )


def _refunded(charge: stripe.Charge) -> int:
    """What was captured and given back. Stripe counts money that was let go of uncaptured as refunded too."""
    return charge.amount_refunded - (charge.amount - charge.amount_captured) if charge.captured else 0


def event_of(event: stripe.Event) -> WebhookEvent:
    """Raises ValueError for one that is none, or could not be kept."""
    subject = event.data.object.to_dict()
    kind, metadata = subject.get("object"), subject.get("metadata") or {}
    facts = {name: subject[name] for name in _KEPT if isinstance(subject.get(name), str | int)}
    if kind == "charge":
        facts["refunded"] = subject["amount_refunded"] - (subject["amount"] - subject["amount_captured"])
    ref = facts.get("payment_intent") if kind != "payment_intent" else facts.get("id")
    if not all(_is_keepable(text) for text in (event.id, event.type, *filter(_is_text, facts.values()))):
        raise ValueError("an id that is none")
    return WebhookEvent(
        event.id,
        event.type,
        ref if isinstance(ref, str) else None,
        _id_in(metadata, "order_id"),
        _id_in(metadata, "refund_id") if kind == "refund" else None,
        str(facts.get("id")) if kind == "refund" else None,
        is_outcome=event.type in _OUTCOMES,
        is_refund=kind == "refund" or event.type == "charge.refunded",
        facts=facts,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_keepable(text: Any) -> bool:
    return _is_text(text) and 0 < len(text) <= 120 and is_storable(text)


def _id_in(metadata: Any, name: str) -> UUID | None:
    try:
        return UUID(metadata[name])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
