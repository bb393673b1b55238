"""Stripe's API through its official SDK: the real one, or the sandbox provider of the dev stack by its base address."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import stripe
from stripe import StripeClient

from core.settings import Settings
from domain.errors import PaymentRefused, WebhookRefused
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderRefund, WebhookEvent
from gateways.stripe_answers import UnexpectedState, ask, event_of, intent_of, refund_of

WEBHOOK_TOLERANCE = 300
"""Seconds between a webhook's signature and now, either way, against replays."""

JOURNAL_PAGE = 100
"""Stripe's own limit."""


class StripePayments:
    """Implements PaymentGateway. The SDK's own retries are off: Temporal is the only one that retries."""

    name = "stripe"

    def __init__(self, api_key: str, *, base: str, webhook_secrets: Sequence[str], timeout: float = 20.0) -> None:
        """`timeout` in seconds, per call. Any of `webhook_secrets` will do, so that one can be replaced."""
        self._http = stripe.HTTPXClient(timeout=timeout)
        client = StripeClient(
            api_key, base_addresses={"api": base.rstrip("/")}, http_client=self._http, max_network_retries=0
        )
        self._intents, self._refunds = client.v1.payment_intents, client.v1.refunds
        self._webhook_secrets = webhook_secrets

    @classmethod
    def from_settings(cls, settings: Settings) -> "StripePayments":
        return cls(
            settings.stripe_api_key.get_secret_value(),
            base=settings.stripe_api_base,
            webhook_secrets=[secret.get_secret_value() for secret in settings.webhook_secrets],
        )

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        intent = await ask(
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
        return intent_of(intent)

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        try:
            intent = await ask(
                self._intents.confirm_async(
                    ref,
                    {"payment_method": token, "return_url": return_url},
                    {"idempotency_key": f"{order_id}:confirm:{attempt}"},
                )
            )
        except UnexpectedState:
            return await self.retrieve(ref)
        return intent_of(intent)

    async def retrieve(self, ref: str) -> Intent:
        return intent_of(await ask(self._intents.retrieve_async(ref, {"expand": ["latest_charge"]})))

    async def find(self, ref: str) -> Intent | None:
        try:
            return await self.retrieve(ref)
        except PaymentRefused as refusal:
            if getattr(refusal.__cause__, "http_status", None) == HTTPStatus.NOT_FOUND:
                return None
            raise

    # Capture and void have no key: the intent's own state lets each happen once, and a key would replay a stored 500.

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        try:
            return intent_of(await ask(self._intents.capture_async(ref)))
        except UnexpectedState as error:
            intent = await self.retrieve(ref)
            if intent.status is IntentStatus.CAPTURED:
                return intent
            raise PaymentRefused(f"The payment cannot be captured: it is {intent.status}.") from error

    async def void(self, ref: str, order_id: UUID) -> Intent:
        try:
            return intent_of(await ask(self._intents.cancel_async(ref)))
        except UnexpectedState:
            return await self.retrieve(ref)

    async def refund(self, ref: str, order_id: UUID, refund_id: UUID, amount: Money, key_number: int) -> ProviderRefund:
        try:
            refund = await ask(
                self._refunds.create_async(
                    {
                        "payment_intent": ref,
                        "amount": amount.amount,
                        "metadata": {"refund_id": str(refund_id), "order_id": str(order_id)},
                    },
                    {"idempotency_key": f"{refund_id}:refund:{key_number}"},
                )
            )
        except UnexpectedState as error:
            raise PaymentRefused("There is nothing to give back of this payment.", reason="not_captured") from error
        return refund_of(refund)

    async def find_refund(self, ref: str, refund_id: UUID) -> ProviderRefund | None:
        return next((refund for refund in await self.refunds(ref) if refund.refund_id == refund_id), None)

    async def refunds(self, ref: str) -> list[ProviderRefund]:
        wanted: Any = {"limit": JOURNAL_PAGE, "payment_intent": ref}
        page = await ask(self._refunds.list_async(wanted))
        found = list(page.data)
        while page.has_more and page.data:
            page = await ask(self._refunds.list_async(wanted | {"starting_after": found[-1].id}))
            found += page.data
        return [refund_of(refund) for refund in found]

    async def journal(self, since: datetime | None = None, after: str | None = None) -> AsyncIterator[list[Intent]]:
        wanted: Any = {"limit": JOURNAL_PAGE, "expand": ["data.latest_charge"]}
        if since is not None:
            wanted["created"] = {"gte": int(since.timestamp())}
        has_more = True
        while has_more:
            page = await ask(self._intents.list_async(wanted | ({"starting_after": after} if after else {})))
            if page.data:
                after = page.data[-1].id
                yield [intent_of(intent) for intent in page.data]
            has_more = page.has_more and bool(page.data)

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        for secret in self._webhook_secrets:
            try:
                event = stripe.Webhook.construct_event(payload, signature, secret, WEBHOOK_TOLERANCE)
                _refuse_future(signature)
                return event_of(event)
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
                raise WebhookRefused("The webhook's body is not an event.") from error
        raise WebhookRefused


def _refuse_future(signature: str) -> None:
    """The SDK looks back alone. Raises WebhookRefused."""
    signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    if signed_at > time.time() + WEBHOOK_TOLERANCE:
        raise WebhookRefused
