"""Stripe's API through its official SDK: the real one, or the sandbox provider of the dev stack by its base address."""

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import stripe
from stripe import StripeClient

from core.settings import Settings
from domain.errors import PaymentDeclined, PaymentRefused, PaymentTokenUnknown, WebhookRefused
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderUnavailable, WebhookEvent

Answer = TypeVar("Answer")

WEBHOOK_TOLERANCE = 300
"""Seconds that a webhook's signature stays good, against replays."""

_STATUS = {
    "requires_payment_method": IntentStatus.UNPAID,
    "requires_confirmation": IntentStatus.UNPAID,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.AUTHORIZED,
    "succeeded": IntentStatus.CAPTURED,
    "canceled": IntentStatus.VOIDED,
}


class StripePayments:
    """Implements PaymentGateway. The SDK's own retries are off: Temporal is the only one that retries."""

    name = "stripe"

    def __init__(self, api_key: str, *, base: str, webhook_secrets: Sequence[str], timeout: float = 20.0) -> None:
        """`timeout` in seconds, per call. Any of `webhook_secrets` will do, so that one can be replaced."""
        self._http = stripe.HTTPXClient(timeout=timeout)
        self._intents = StripeClient(
            api_key, base_addresses={"api": base.rstrip("/")}, http_client=self._http, max_network_retries=0
        ).v1.payment_intents
        self._webhook_secrets = webhook_secrets

    @classmethod
    def from_settings(cls, settings: Settings) -> "StripePayments":
        return cls(
            settings.stripe_api_key.get_secret_value(),
            base=settings.stripe_api_base,
            webhook_secrets=[settings.stripe_webhook_secret.get_secret_value()],
        )

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        intent = await _ask(
            self._intents.create_async(
                {
                    "amount": amount.amount,
                    "currency": amount.currency.lower(),
                    "capture_method": "manual",
                    "metadata": {"order_id": str(order_id)},
                },
                {"idempotency_key": f"{order_id}:intent:{attempt}"},
            )
        )
        return _intent(intent)

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        try:
            intent = await _ask(
                self._intents.confirm_async(
                    ref,
                    {"payment_method": token, "return_url": return_url},
                    {"idempotency_key": f"{order_id}:confirm:{attempt}"},
                )
            )
        except _UnexpectedState:
            return await self.retrieve(ref)
        return _intent(intent)

    async def retrieve(self, ref: str) -> Intent:
        return _intent(await _ask(self._intents.retrieve_async(ref, {"expand": ["latest_charge"]})))

    # Capture and void have no key: the intent's own state lets each happen once, and a key would replay a stored 500.

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        try:
            return _intent(await _ask(self._intents.capture_async(ref)))
        except _UnexpectedState as error:
            intent = await self.retrieve(ref)
            if intent.status is IntentStatus.CAPTURED:
                return intent
            raise PaymentRefused(f"The payment cannot be captured: it is {intent.status}.") from error

    async def void(self, ref: str, order_id: UUID) -> Intent:
        try:
            return _intent(await _ask(self._intents.cancel_async(ref)))
        except _UnexpectedState:
            return await self.retrieve(ref)

    async def journal(self) -> list[Intent]:
        found: list[Intent] = []
        expand = ["data.latest_charge"]
        page = await _ask(self._intents.list_async({"limit": 100, "expand": expand}))
        while page.data:
            found += [_intent(intent) for intent in page.data]
            if not page.has_more:
                break
            after = found[-1].ref
            page = await _ask(self._intents.list_async({"limit": 100, "expand": expand, "starting_after": after}))
        return found

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        for secret in self._webhook_secrets:
            try:
                return _event(stripe.Webhook.construct_event(payload, signature, secret, WEBHOOK_TOLERANCE))
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise WebhookRefused("The webhook's body is not an event.") from error
        raise WebhookRefused


class _UnexpectedState(Exception):
    """The intent is not in a state in which this can happen: it may have happened before."""


async def _ask(call: Awaitable[Answer]) -> Answer:
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
            raise _UnexpectedState from error
        if error.code == "resource_missing" and error.param == "payment_method":
            raise PaymentTokenUnknown("The payment provider does not know this payment token.") from error
        if error.http_status == 409:
            raise ProviderUnavailable("the provider is still busy with the same request") from error
        raise PaymentRefused(f"The payment provider refused the request: {error.code}.") from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500 or error.http_status in (409, 429):
            raise ProviderUnavailable(f"the payment provider answered {error.http_status}") from error
        raise PaymentRefused(f"The payment provider refused the request ({error.http_status}).") from error


def _intent(intent: stripe.PaymentIntent) -> Intent:
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
        order_id=_order_id(intent.metadata),
        redirect_url=redirect.url if redirect else None,
        decline_code=(getattr(error, "decline_code", None) or error.code) if error else None,
    )


def _refunded(charge: stripe.Charge) -> int:
    """What was captured and given back. Stripe counts money that was let go of uncaptured as refunded too."""
    return charge.amount_refunded - (charge.amount - charge.amount_captured) if charge.captured else 0


def _event(event: stripe.Event) -> WebhookEvent:
    subject = event.data.object.to_dict()
    ref = subject.get("payment_intent") if subject.get("object") != "payment_intent" else subject.get("id")
    metadata = subject.get("metadata") or {}
    return WebhookEvent(event.id, event.type, ref if isinstance(ref, str) else None, _order_id(metadata))


def _order_id(metadata: Any) -> UUID | None:
    try:
        return UUID(metadata["order_id"])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
