"""Documented problems: an example for each code that a response can have."""

from typing import Any

from api.problems import STATUS
from domain import errors
from domain.errors import Unavailable

PROBLEM = "application/problem+json"

_USUAL = {
    "400": "idempotency-key-missing",
    "401": "not-signed-in",
    "403": "forbidden",
    "404": "not-found",
    "412": "stale",
    "413": "body-too-large",
    "422": "validation-failed",
    "429": "rate-limited",
    "503": "unavailable",
}
"""What a status means where the route names no fact. 402 and 409 mean too many things to guess."""

_TITLES = {
    "validation-failed": "The request is not valid",
    "body-too-large": "The body is too large",
    Unavailable.code: Unavailable.title,
    **{fact.code: fact.title for fact in STATUS},
}
_KNOWN: dict[str, dict[str, Any]] = {
    "validation-failed": {"errors": [{"field": "body.sku", "message": "Field required", "kind": "missing"}]},
    errors.OutOfStock.code: {"lines": [{"sku": "LAMP-OAK", "requested": 3, "available": 1}]},
    errors.RateLimited.code: {"retry_after": 12},
    Unavailable.code: {"retry_after": 2},
    errors.PriceChanged.code: {
        "expected_total": {"amount": 1999, "currency": "USD"},
        "total": {"amount": 2199, "currency": "USD"},
    },
    errors.PaymentDeclined.code: {"decline_code": "insufficient_funds"},
    errors.OrdersOpen.code: {
        "orders": [{"id": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90", "number": "TW-100001", "status": "processing"}]
    },
    errors.PaymentRefused.code: {"reason": "charge_disputed"},
    errors.OverRefund.code: {"left": {"amount": 1499, "currency": "USD"}},
    errors.OverShipment.code: {"lines": [{"sku": "LAMP-OAK", "requested": 3, "left": 1}]},
    errors.CashMismatch.code: {"due": {"amount": 1999, "currency": "USD"}},
    errors.OverReturn.code: {"lines": [{"sku": "LAMP-OAK", "requested": 3, "left": 1}]},
    errors.NotAllowedInState.code: {"order_status": "cancelled"},
}


def problem_response(status: str, declared: dict[str, Any], expected: list[str]) -> dict[str, Any]:
    """The response, with an example for each code: those that the route named, those that follow from its parameters,
    and else the usual one of its status."""
    codes = [*declared.get("x-codes", ()), *expected]
    usual = _USUAL.get(status)
    if usual and (not codes or status == "422"):
        codes = [usual, *codes]
    codes = list(dict.fromkeys(codes))
    return {
        "description": declared.get("description") or " ".join(f"{_TITLES[code]}." for code in codes),
        "content": {
            PROBLEM: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: _example(code, status) for code in codes},
            }
        },
    }


def _example(code: str, status: str) -> dict[str, Any]:
    title = _TITLES[code]
    value = {
        **_KNOWN.get(code, {}),
        "type": f"urn:tillwright:problem:{code}",
        "title": title,
        "status": int(status),
        "detail": f"{title}.",
        "instance": "/api/v1/…",
        "code": code,
        "request_id": "5f2b8c0e-6a57-4c1c-9b57-0d8f5b0f7a11",
    }
    return {"summary": title, "value": value}
