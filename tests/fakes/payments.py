"""A payment provider in memory, with the contract's tokens and faults that a test scripts."""

from collections import defaultdict
from dataclasses import replace
from uuid import UUID

from domain.errors import PaymentDeclined, PaymentRefused, PaymentTokenUnknown, WebhookRefused
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderUnavailable, WebhookEvent


class FakePayments:
    """`faults[operation]` is a list of exceptions, raised one by one before the operation does anything.

    `late_faults` are raised after it has done its work: the reply that gets lost.
    """

    name = "stripe"

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.calls: list[tuple[str, str]] = []
        self.faults: dict[str, list[Exception]] = defaultdict(list)
        self.late_faults: dict[str, list[Exception]] = defaultdict(list)

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        ref = f"pi_{order_id.hex}"
        self._before("create", ref)
        self.intents.setdefault(
            ref,
            Intent(ref, IntentStatus.UNPAID, amount, Money(0, amount.currency), Money(0, amount.currency), order_id),
        )
        return self._after("create", ref)

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        self._before("confirm", ref)
        if self.intents[ref].status is not IntentStatus.UNPAID:
            return self._after("confirm", ref)
        if token.startswith("pm_card_chargeDeclined"):
            raise PaymentDeclined(decline_code="generic_decline")
        if token == "pm_card_authenticationRequired":
            self._set(ref, status=IntentStatus.REQUIRES_ACTION, redirect_url=f"http://bank.test/{ref}")
        elif token == "pm_card_visa":
            self._set(ref, status=IntentStatus.AUTHORIZED)
        else:
            raise PaymentTokenUnknown
        return self._after("confirm", ref)

    async def retrieve(self, ref: str) -> Intent:
        self._before("retrieve", ref)
        return self._after("retrieve", ref)

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        self._before("capture", ref)
        intent = self.intents[ref]
        if intent.status is IntentStatus.AUTHORIZED:
            self._set(ref, status=IntentStatus.CAPTURED, captured=intent.amount)
        elif intent.status is not IntentStatus.CAPTURED:
            raise PaymentRefused(f"cannot capture what is {intent.status}")
        return self._after("capture", ref)

    async def void(self, ref: str, order_id: UUID) -> Intent:
        self._before("void", ref)
        if self.intents[ref].status is not IntentStatus.CAPTURED:
            self._set(ref, status=IntentStatus.VOIDED)
        return self._after("void", ref)

    async def journal(self) -> list[Intent]:
        return list(self.intents.values())

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        raise WebhookRefused

    def finish_3ds(self, ref: str, *, paid: bool) -> None:
        """The shopper at the bank."""
        self._set(ref, status=IntentStatus.AUTHORIZED if paid else IntentStatus.UNPAID, redirect_url=None)

    def count(self, operation: str) -> int:
        return sum(1 for name, _ in self.calls if name == operation)

    def fail(self, operation: str, times: int) -> None:
        self.faults[operation] += [ProviderUnavailable(f"{operation} is away")] * times

    def _before(self, operation: str, ref: str) -> None:
        self.calls.append((operation, ref))
        if self.faults[operation]:
            raise self.faults[operation].pop(0)

    def _after(self, operation: str, ref: str) -> Intent:
        if self.late_faults[operation]:
            raise self.late_faults[operation].pop(0)
        return self.intents[ref]

    def _set(self, ref: str, **changes: object) -> None:
        self.intents[ref] = replace(self.intents[ref], **changes)  # type: ignore[arg-type]
