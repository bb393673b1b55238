"""authorise_payment and its undo void_payment, check_payment, capture_payment: where our books meet the provider.

No transaction is open across a call to the provider. One intent per order, created unconfirmed and its id stored
before it is confirmed: an unknown outcome is one retrieve away, and a second charge has nowhere to go.
"""

from uuid import UUID

from temporalio import activity

from core.database import Database
from domain.errors import NotFound, OrderCancelled, PaymentDeclined, PaymentRefused, PaymentTokenUnknown
from domain.messages.checkout import AuthorisePayment, OrderStep, PaymentOutcome
from domain.money import Money
from domain.notifications import NoticeKind
from domain.orders import MONEY_TAKEN, PaymentStatus
from gateways.payments import Intent, IntentStatus, PaymentGateway, ProviderUnavailable
from models.payments import Payment
from services import notices, payments, webhooks
from services.orders import requesting

_STATUS = {
    IntentStatus.UNPAID: PaymentStatus.FAILED,
    IntentStatus.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    IntentStatus.AUTHORIZED: PaymentStatus.AUTHORIZED,
    IntentStatus.CAPTURED: PaymentStatus.CAPTURED,
    IntentStatus.VOIDED: PaymentStatus.VOIDED,
}

_TAKEN = PaymentOutcome(PaymentStatus.CAPTURED.value)
"""Of a payment that was captured, whatever went back since: no step of the checkout undoes that."""


class PaymentActivities:
    def __init__(self, database: Database, gateway: PaymentGateway, return_url: str) -> None:
        self._database = database
        self._gateway = gateway
        self._return_url = return_url

    @activity.defn
    async def authorise_payment(self, step: AuthorisePayment) -> PaymentOutcome:
        """Set the money aside: authorized or requires_action.

        Raises `payment-declined`, `payment-token-unknown`, `payment-refused`; a provider that is away is retried.
        """
        order_id = UUID(step.order_id)
        intent = await self._intent(order_id)
        if intent.status is IntentStatus.UNPAID:
            intent = await self._confirm(order_id, intent, step.attempt)
        outcome = await self._record(order_id, intent)
        if outcome.status == PaymentStatus.REQUIRES_ACTION and await self._has_news(order_id):
            outcome = await self._record(order_id, await self._gateway.retrieve(intent.ref))
        return outcome

    @activity.defn
    async def check_payment(self, step: OrderStep) -> PaymentOutcome:
        """Ask the provider where the payment stands: a webhook and the shopper's return are only hints."""
        order_id = UUID(step.order_id)
        return await self._record(order_id, await self._intent(order_id))

    @activity.defn
    async def void_payment(self, step: OrderStep) -> PaymentOutcome:
        """Let go of the money: voided, or captured where it is too late. Leaves a tombstone where nothing happened.

        Whatever the amount: an intent that disagrees with us is to be let go of all the more.
        """
        order_id = UUID(step.order_id)
        async with self._database.transaction() as session:
            payment = await payments.close_payment(session, order_id, self._gateway.name)
        if payment.status in MONEY_TAKEN:
            return _TAKEN
        if payment.provider_ref is not None:
            intent = await self._gateway.void(payment.provider_ref, order_id)
            if intent.status is IntentStatus.CAPTURED:
                return await self._record_capture(order_id, intent)
            if intent.status is not IntentStatus.VOIDED:
                raise ProviderUnavailable(f"The provider cannot let go of it yet: it is {intent.status}.")
        return PaymentOutcome(payment.status)

    @activity.defn
    async def capture_payment(self, step: OrderStep) -> PaymentOutcome:
        """Take the money that was set aside. Raises `payment-refused` when that cannot succeed."""
        order_id = UUID(step.order_id)
        async with self._database.transaction() as session:
            payment = await payments.locked(session, order_id)
        if payment.status in MONEY_TAKEN:
            return _TAKEN
        if payment.provider_ref is None:
            raise NotFound("The payment was never authorised.")
        return await self._record_capture(order_id, await self._gateway.capture(payment.provider_ref, order_id))

    async def _has_news(self, order_id: UUID) -> bool:
        """A webhook that was faster than the confirmation's answer found nobody waiting, and is kept."""
        async with self._database.transaction() as session:
            return await webhooks.has_outcome(session, order_id)

    async def _intent(self, order_id: UUID) -> Intent:
        async with self._database.transaction() as session:
            payment = await payments.open_payment(session, order_id, self._gateway.name)
        if payment.provider_ref is not None:
            return await self._gateway.retrieve(payment.provider_ref)
        intent = await self._gateway.create(order_id, _amount(payment), activity.info().attempt)
        async with self._database.transaction() as session:
            payment = await payments.live(session, order_id)
            payment.provider_ref = payment.provider_ref or intent.ref
        if payment.provider_ref != intent.ref:  # another attempt was faster: only its intent is ever confirmed
            return await self._gateway.retrieve(payment.provider_ref)
        return intent

    async def _confirm(self, order_id: UUID, intent: Intent, attempt: int) -> Intent:
        async with self._database.transaction() as session:
            payment = await payments.live(session, order_id)
            _require_same_amount(payment, intent.amount)
            token = await payments.token_for(session, order_id, attempt)
            if payment.status not in MONEY_TAKEN:
                payment.status = PaymentStatus.PENDING
            payment.confirmations += 1
        try:
            return await self._gateway.confirm(intent.ref, order_id, payment.confirmations, token, self._return_url)
        except (PaymentDeclined, PaymentTokenUnknown, PaymentRefused):
            async with self._database.transaction() as session:
                payment = await payments.live(session, order_id)
                if payment.status not in MONEY_TAKEN:
                    payment.status = PaymentStatus.FAILED
            raise

    async def _record(self, order_id: UUID, intent: Intent) -> PaymentOutcome:
        if intent.status is IntentStatus.PROCESSING:
            raise ProviderUnavailable("The provider is still working on it.")
        if intent.status is IntentStatus.CAPTURED:
            return await self._record_capture(order_id, intent)
        async with self._database.transaction() as session:
            payment = await payments.live(session, order_id)
            _require_same_amount(payment, intent.amount)
            if payment.status in MONEY_TAKEN:  # this answer is older than the capture
                return _TAKEN
            payment.status = _STATUS[intent.status]
            payment.redirect_url = intent.redirect_url if intent.status is IntentStatus.REQUIRES_ACTION else None
            if intent.status is IntentStatus.REQUIRES_ACTION and await requesting.accept(session, order_id):
                await notices.tell(session, order_id, "requires_action", NoticeKind.PAYMENT_ACTION_REQUIRED)
        if intent.status is IntentStatus.VOIDED:
            raise OrderCancelled("The payment was voided at the provider.")
        return PaymentOutcome(payment.status, intent.decline_code)

    async def _record_capture(self, order_id: UUID, intent: Intent) -> PaymentOutcome:
        if intent.status is not IntentStatus.CAPTURED:
            raise PaymentRefused(f"The provider says that the payment is {intent.status}.")
        async with self._database.transaction() as session:
            payment = await payments.locked(session, order_id)
            _require_same_amount(payment, intent.captured)
            await payments.record_capture(session, payment, intent.captured)
        return _TAKEN


def _amount(payment: Payment) -> Money:
    return Money(payment.amount, payment.currency)


def _require_same_amount(payment: Payment, theirs: Money) -> None:
    """A provider that answers with another amount or currency is never believed."""
    if theirs != _amount(payment):
        raise PaymentRefused(f"The provider answered with {theirs} where {_amount(payment)} was asked for.")
