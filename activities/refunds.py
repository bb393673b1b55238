"""refund_payment: money that was claimed goes back, once, however often the step is repeated and by whomever."""

from uuid import UUID

from temporalio import activity

from core.database import Database
from domain.errors import PaymentRefused
from domain.messages.refunds import RefundInput, RefundOutcome
from domain.money import Money
from domain.orders import PaymentMethod, RefundStatus
from gateways.payments import KeyUsedUp, PaymentGateway, ProviderRefund, ProviderUnavailable
from models.payments import Payment, Refund
from services import refunds


class RefundActivities:
    def __init__(self, database: Database, gateway: PaymentGateway) -> None:
        self._database = database
        self._gateway = gateway

    @activity.defn
    async def refund_payment(self, step: RefundInput) -> RefundOutcome:
        """Give the money back: succeeded, or failed where the provider will not, which frees what was claimed.

        Cash goes back by hand: the provider is not asked. Retried while the provider is away or not done with it.
        Raises `payment-refused` where nobody may say how it went, as when the answer names another amount: the claim
        stands then.
        """
        refund_id = UUID(step.refund_id)
        async with self._database.reading() as session:
            refund = await refunds.get(session, refund_id)
            payment = await session.get_one(Payment, refund.payment_id)
        if refund.status != RefundStatus.PENDING:
            return RefundOutcome(step.refund_id, refund.status)
        if payment.provider == PaymentMethod.COD:
            return await self._succeed(refund_id, None)
        if payment.provider_ref is None:
            raise PaymentRefused("The payment was never made at the provider.")
        try:
            answer = await self._ask(refund, payment.provider_ref)
        except PaymentRefused as refusal:
            if (reason := refusal.facts.get("reason")) is None:
                raise
            return await self._fail(refund_id, reason)
        return await self._record(refund, answer)

    async def _ask(self, refund: Refund, ref: str) -> ProviderRefund:
        """Look first: whoever was here before may have done it, and a provider forgets its keys after a day."""
        if found := await self._found(ref, refund.id):
            return found
        amount = Money(refund.amount, refund.currency)
        try:
            return await self._gateway.refund(ref, refund.order_id, refund.id, amount, refund.provider_key)
        except KeyUsedUp:
            async with self._database.transaction() as session:
                await refunds.use_next_key(session, refund.id, refund.provider_key)
            raise  # the next attempt looks again, now that this key's call is known to be over

    async def _found(self, ref: str, refund_id: UUID) -> ProviderRefund | None:
        """A refusal of the question says nothing about the refund."""
        try:
            return await self._gateway.find_refund(ref, refund_id)
        except PaymentRefused as refusal:
            raise PaymentRefused(f"The provider does not tell its refunds: {refusal.detail}") from refusal

    async def _record(self, refund: Refund, answer: ProviderRefund) -> RefundOutcome:
        if answer.amount != (asked := Money(refund.amount, refund.currency)):
            raise PaymentRefused(f"The provider answered with {answer.amount} where {asked} was asked for.")
        if answer.status is RefundStatus.PENDING:
            raise ProviderUnavailable("The provider has taken the refund on and is not done with it.")
        if answer.status is RefundStatus.FAILED:
            return await self._fail(refund.id, "failed")
        return await self._succeed(refund.id, answer.ref)

    async def _succeed(self, refund_id: UUID, ref: str | None) -> RefundOutcome:
        async with self._database.transaction() as session:
            refund = await refunds.record_success(session, refund_id, ref)
        return RefundOutcome(str(refund_id), refund.status)

    async def _fail(self, refund_id: UUID, reason: str) -> RefundOutcome:
        async with self._database.transaction() as session:
            refund = await refunds.record_failure(session, refund_id, reason)
        return RefundOutcome(str(refund_id), refund.status)
