"""Refusals in Stripe's error shape."""

from devstack.sandbox.objects import Doc, shown

INVALID = "invalid_request_error"


class Refusal(Exception):
    """`is_kept`: whether the request's idempotency key replays it.

    As Stripe has it: what is refused before the work begins (authentication, parameters, an outage) is not kept, and
    the same key may try again; what the work itself came to is kept.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        is_kept: bool = False,
        more: Doc | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_kept = is_kept
        named = {"code": code, "param": param}
        error = {"type": kind, "message": message, **{name: value for name, value in named.items() if value}}
        self.body: Doc = {"error": error | (more or {})}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    return Refusal(400, INVALID, message, param=param, code=code)


def no_such(kind: str, object_id: str, param: str) -> Refusal:
    return Refusal(404, INVALID, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def unknown_token() -> Refusal:
    """Does not quote the token: it may be a card number that somebody put there."""
    message = "No such PaymentMethod. This sandbox knows the tokens of its page at /_sandbox."
    return Refusal(400, INVALID, message, code="resource_missing", param="payment_method")


def unexpected_state(intent: Doc, message: str) -> Refusal:
    code = "payment_intent_unexpected_state"
    more = {"payment_intent": shown(intent)}
    return Refusal(400, INVALID, message, code=code, is_kept=True, more=more)


def not_refundable(message: str, code: str, param: str | None = None) -> Refusal:
    return Refusal(400, INVALID, message, code=code, param=param, is_kept=True)


def declined(intent: Doc) -> Refusal:
    """Built from the intent's own `last_payment_error`."""
    error = dict(intent["last_payment_error"])
    kind, message, code = error.pop("type"), error.pop("message"), error.pop("code")
    more = error | {"payment_intent": shown(intent)}
    return Refusal(402, kind, message, code=code, is_kept=True, more=more)


def outage() -> Refusal:
    """Nothing was done, so it is not kept."""
    return Refusal(503, "api_error", "The sandbox is asked to be away: nothing was done.")


def broken() -> Refusal:
    """The work was done, so it is kept."""
    return Refusal(500, "api_error", "The sandbox is asked to fail after its work.", is_kept=True)


def key_reused(what: str) -> Refusal:
    message = f"This idempotency key came with {what} before. Another request needs another key."
    return Refusal(400, "idempotency_error", message)


def key_in_use() -> Refusal:
    message = "A request with this idempotency key is still running. Try again when it has ended."
    return Refusal(409, "idempotency_error", message, code="idempotency_key_in_use")
