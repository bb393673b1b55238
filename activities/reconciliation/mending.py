"""What is safe to mend, and through whom: the workflow that owns the order, where one runs, or our books.

Never another amount or currency, never money that was taken for a cancelled order, never an intent that is not ours:
those are people's to decide.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from core.database import Database
from domain.errors import PaymentRefused
from domain.messages.reconciliation import DifferenceKind
from domain.orders import RefundStatus, checkout_workflow_id, fulfilment_workflow_id, refund_workflow_id
from gateways.payments import Intent, IntentStatus, PaymentGateway, ProviderRefund
from services import payments
from services.reconciling import booking
from services.reconciling.reading import Own

NEWS, RETRY = "payment_news", "retry_stuck"


class Remedy(Enum):
    NONE = auto()  # for people to decide
    DONE = auto()
    TOLD = auto()  # the owner was told, and may take its time


Mend = Callable[[Intent, Own], Awaitable[Remedy]]


class Mending:
    def __init__(self, database: Database, gateway: PaymentGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._ways: dict[DifferenceKind, Mend] = {
            DifferenceKind.CAPTURED_THERE: self._capture,
            DifferenceKind.REFUNDED_THERE: self._refund,
            DifferenceKind.AUTHORISED_FOR_CANCELLED: self._void,
            DifferenceKind.LEFTOVER_INTENT: self._cancel,
            DifferenceKind.STATE_DIFFERS: self._hand_on,
        }

    async def mend(self, kind: DifferenceKind, theirs: Intent | None, ours: Own | None) -> Remedy:
        """Safe to repeat."""
        way = self._ways.get(kind)
        if way is None or theirs is None or ours is None:
            return Remedy.NONE
        try:
            return await way(theirs, ours)
        except PaymentRefused:  # the provider will not: it stays a difference
            return Remedy.NONE

    async def _capture(self, theirs: Intent, ours: Own) -> Remedy:
        order_id = ours.payment.order_id
        if await _tell(checkout_workflow_id(order_id), NEWS, RETRY):
            return Remedy.TOLD
        is_given_back = theirs.refunded == theirs.captured
        async with self._database.transaction() as session:
            is_booked = await booking.book_capture(session, order_id, theirs.captured, is_given_back=is_given_back)
        await _tell(fulfilment_workflow_id(order_id), RETRY)  # it may be stuck at this very capture
        return _done_if(is_booked)

    async def _refund(self, theirs: Intent, ours: Own) -> Remedy:
        given = [one for one in await self._gateway.refunds(theirs.ref) if one.status is not RefundStatus.FAILED]
        remedies = [await self._book(ours, refund) for refund in given]
        return next((one for one in (Remedy.NONE, Remedy.TOLD) if one in remedies), Remedy.DONE)

    async def _book(self, ours: Own, refund: ProviderRefund) -> Remedy:
        async with self._database.reading() as session:
            if await booking.is_booked(session, refund.ref):
                return Remedy.DONE
        if refund.refund_id and await _tell(refund_workflow_id(refund.refund_id), NEWS, RETRY):
            return Remedy.TOLD
        if refund.status is RefundStatus.PENDING:  # it may still fail
            return Remedy.NONE
        order_id = ours.payment.order_id
        async with self._database.transaction() as session:
            return _done_if(await booking.book_refund(session, order_id, refund.ref, refund.amount, refund.refund_id))

    async def _void(self, theirs: Intent, ours: Own) -> Remedy:
        """The order is over: its money was to be let go of, and was not."""
        async with self._database.transaction() as session:
            await payments.close_payment(session, ours.payment.order_id, self._gateway.name)
        return await self._cancel(theirs, ours)

    async def _cancel(self, theirs: Intent, ours: Own) -> Remedy:
        """An intent of ours that was never stored is never confirmed."""
        intent = await self._gateway.void(theirs.ref, ours.payment.order_id)
        return _done_if(intent.status is IntentStatus.VOIDED)

    async def _hand_on(self, theirs: Intent, ours: Own) -> Remedy:
        """The checkout asks the provider. A fulfilment may be stuck at it, but asks no earlier than it needs."""
        is_told = await _tell(checkout_workflow_id(ours.payment.order_id), NEWS, RETRY)
        await _tell(fulfilment_workflow_id(ours.payment.order_id), RETRY)
        return Remedy.TOLD if is_told else Remedy.NONE


def _done_if(is_mended: bool) -> Remedy:
    return Remedy.DONE if is_mended else Remedy.NONE


async def _tell(workflow_id: str, *signals: str) -> bool:
    """False when no such workflow is running."""
    handle = activity.client().get_workflow_handle(workflow_id)
    try:
        for signal in signals:
            await handle.signal(signal)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
