"""A payment provider in memory, with the contract's tokens and faults that a test scripts."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain.errors import PaymentDeclined, PaymentRefused, PaymentTokenUnknown, WebhookRefused
from domain.money import Money
from domain.orders import RefundStatus
from gateways.payments import Intent, IntentStatus, KeyUsedUp, ProviderRefund, ProviderUnavailable, WebhookEvent


class BrokenAfterwards(ProviderUnavailable):
    """A `late_fault` of `refund`: the work is done, and its key answers with a failure from now on."""


class FakePayments:
    """`faults[operation]` is a list of exceptions, raised one by one before the operation does anything.

    `late_faults` are raised after it has done its work: the reply that gets lost.
    """

    name = "stripe"

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.given_back: dict[str, list[ProviderRefund]] = defaultdict(list)
        self.refund_status = RefundStatus.SUCCEEDED  # of the next ones
        self.kept_answers: dict[str, ProviderRefund | Exception] = {}  # by idempotency key
        self.page_size = 100
        self.calls: list[tuple[str, str]] = []
        self.faults: dict[str, list[Exception]] = defaultdict(list)
        self.late_faults: dict[str, list[Exception]] = defaultdict(list)
        self.awaiting: list[tuple[str, Exception]] = []  # faults of the next intent, whatever others do meanwhile

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        ref = f"pi_{order_id.hex}"
        self._before("create", ref)
        if ref not in self.intents:
            for operation, fault in self.awaiting:
                self.faults[f"{operation} {ref}"].append(fault)
            self.awaiting.clear()
        self.intents.setdefault(
            ref,
            Intent(
                ref, IntentStatus.UNPAID, amount, Money(0, amount.currency), Money(0, amount.currency), order_id,
                created=datetime.now(UTC),
            ),
        )  # fmt: skip
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

    async def refund(self, ref: str, order_id: UUID, refund_id: UUID, amount: Money, key_number: int) -> ProviderRefund:
        self._before("refund", ref)
        key = f"{refund_id}:refund:{key_number}"
        if key not in self.kept_answers:
            try:
                self.kept_answers[key] = self.give_back(ref, amount, refund_id)
                self._after("refund", ref)
            except (PaymentRefused, BrokenAfterwards) as answer:
                self.kept_answers[key] = KeyUsedUp("500") if isinstance(answer, BrokenAfterwards) else answer
                raise
        if isinstance(kept := self.kept_answers[key], Exception):
            raise kept
        return kept

    def pay(self, order_id: UUID, amount: Money) -> str:
        """An intent that was captured before the test began; its ref."""
        ref = f"pi_{order_id.hex}"
        self.intents[ref] = Intent(
            ref, IntentStatus.CAPTURED, amount, amount, Money(0, amount.currency), order_id, created=datetime.now(UTC)
        )
        return ref

    def give_back(self, ref: str, amount: Money, refund_id: UUID | None = None) -> ProviderRefund:
        """Without an id of ours it is somebody at the provider's who does it."""
        intent = self.intents[ref]
        if intent.refunded.amount + amount.amount > intent.captured.amount:
            raise PaymentRefused("more than what is left", reason="charge_already_refunded")
        refund = ProviderRefund(f"re_{len(self.given_back[ref])}_{ref}", self.refund_status, amount, refund_id)
        self.given_back[ref].insert(0, refund)
        self._set(ref, refunded=intent.refunded + amount)
        return refund

    def settle_refund(self, ref: str, status: RefundStatus) -> None:
        """What became of this intent's newest refund, which was pending."""
        newest = self.given_back[ref][0]
        self.given_back[ref][0] = replace(newest, status=status)
        if status is RefundStatus.FAILED:
            self._set(ref, refunded=self.intents[ref].refunded - newest.amount)

    async def find_refund(self, ref: str, refund_id: UUID) -> ProviderRefund | None:
        return next((refund for refund in await self.refunds(ref) if refund.refund_id == refund_id), None)

    async def refunds(self, ref: str) -> list[ProviderRefund]:
        self._before("refunds", ref)
        return list(self.given_back[ref])

    async def find(self, ref: str) -> Intent | None:
        return await self.retrieve(ref) if ref in self.intents else None

    async def journal(self, since: datetime | None = None, after: str | None = None) -> AsyncIterator[list[Intent]]:
        newest_first = [one for one in reversed(self.intents.values()) if since is None or _is_made(one, since)]
        refs = [one.ref for one in newest_first]
        for start in range(refs.index(after) + 1 if after else 0, len(refs), self.page_size):
            self._before("journal", refs[start])
            yield newest_first[start : start + self.page_size]

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
        for name in (f"{operation} {ref}", operation):
            if self.faults[name]:
                raise self.faults[name].pop(0)

    def _after(self, operation: str, ref: str) -> Intent:
        if self.late_faults[operation]:
            raise self.late_faults[operation].pop(0)
        return self.intents[ref]

    def _set(self, ref: str, **changes: object) -> None:
        self.intents[ref] = replace(self.intents[ref], **changes)  # type: ignore[arg-type]


def _is_made(intent: Intent, since: datetime) -> bool:
    return intent.created is not None and intent.created >= since
