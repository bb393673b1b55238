"""Payment intents, charges, refunds and events as Stripe sends them: plain documents, made here and nowhere else.

A field that starts with an underscore is the sandbox's own and never shown.
"""

import secrets
import string
import time
from typing import Any

Doc = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"


def shown(doc: Doc) -> Doc:
    return {name: value for name, value in doc.items() if not name.startswith("_")}


def new_intent(
    amount: int, currency: str, capture_method: str, metadata: dict[str, str], description: str | None
) -> Doc:
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": new_id(f"{intent_id}_secret"),
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency,
        "customer": None,
        "description": description,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def new_charge(intent: Doc, *, captured: int, failure: Doc | None = None) -> Doc:
    """`captured` in minor units: 0 where the money is only set aside. `failure` makes it a charge that failed."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": captured,
        "amount_refunded": 0,
        "captured": captured > 0,
        "created": int(time.time()),
        "currency": intent["currency"],
        "failure_code": failure["code"] if failure else None,
        "failure_message": failure["message"] if failure else None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": failure is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": False,
        "status": "failed" if failure else "succeeded",
    }


def new_refund(
    charge: Doc, amount: int, reason: str | None, metadata: dict[str, str], *, is_pending: bool = False
) -> Doc:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "pending" if is_pending else "succeeded",
    }


def new_event(kind: str, subject: Doc) -> Doc:
    """The subject as it stands now: a later change makes another event."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": None,
        "created": int(time.time()),
        "data": {"object": shown(subject)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def declined_card(token: str, decline_code: str) -> Doc:
    message = f"The card was declined: {decline_code}."
    error = {"type": "card_error", "code": "card_declined", "decline_code": decline_code, "message": message}
    return error | {"payment_method": _method(token)}


def failed_authentication(token: str) -> Doc:
    """No `decline_code`: the bank was never asked for the money."""
    message = "The shopper did not pass the bank's authentication."
    error = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure", "message": message}
    return error | {"payment_method": _method(token)}


def _method(token: str) -> Doc:
    return {"id": token, "object": "payment_method", "type": "card"}
