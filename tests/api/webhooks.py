"""Webhooks as a payment provider signs and sends them."""

import hmac
import json
import time
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx

from core.settings import DEFAULT_WEBHOOK_SECRET
from tests.api.conftest import Caller
from tests.builders import Shop

RETIRED_SECRET = "whsec_of_last_year"
OUTCOME = "payment_intent.amount_capturable_updated"


def event(order_id: object = None, event_id: str | None = None, *, type_: str = OUTCOME, **subject: Any) -> bytes:
    """About the intent of this order; `subject` is what else is known of it, or of something else."""
    metadata = {} if order_id is None else {"order_id": str(order_id)}
    about = {"id": intent_of(order_id), "object": "payment_intent", "metadata": metadata} | subject
    whole = {"id": event_id or f"evt_{uuid4().hex}", "object": "event", "type": type_, "data": {"object": about}}
    return json.dumps(whole).encode()


def intent_of(order_id: object) -> str:
    try:
        return f"pi_{UUID(str(order_id)).hex}"
    except ValueError:
        return "pi_1"


def signature(payload: bytes, secret: str = DEFAULT_WEBHOOK_SECRET, age: int = 0) -> str:
    at = int(time.time()) - age
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + payload, sha256).hex()
    return f"t={at},v1={digest}"


async def deliver(
    caller: Caller, payload: bytes, signed: str | None = None, content_type: str = "application/json; charset=utf-8"
) -> httpx.Response:
    headers = {"Stripe-Signature": signature(payload) if signed is None else signed, "Content-Type": content_type}
    return await caller.post("/webhooks/payments/stripe", content=payload, headers=headers)


async def inbox(shop: Shop) -> list[tuple[Any, ...]]:
    return await shop.rows("SELECT event_id, order_id, delivered_at IS NOT NULL FROM webhook_inbox")
