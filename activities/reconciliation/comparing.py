"""begin_reconciliation, compare_page, settle_difference, finish_reconciliation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.reconciliation.judging import judge
from activities.reconciliation.mending import Mending, Remedy
from core.database import Database
from core.settings import Settings
from domain.messages.reconciliation import (
    BeginReconciliation,
    Begun,
    Compared,
    ComparePage,
    DifferenceKind,
    FinishReconciliation,
    ReconciliationResult,
    SettleDifference,
)
from gateways.payments import Intent, PaymentGateway
from services.reconciling import keeping, reading
from services.reconciling.reading import Own

Pair = tuple[Intent | None, Own | None]

LOOKS = 4
"""At one intent: what is mended may uncover the next difference, such as a capture and then its refund."""


class ReconciliationActivities:
    def __init__(self, database: Database, gateway: PaymentGateway, settings: Settings) -> None:
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._mending = Mending(database, gateway)

    @activity.defn
    async def begin_reconciliation(self, step: BeginReconciliation) -> Begun:
        """Write its row, unless staff's request did."""
        async with self._database.transaction() as session:
            reconciliation = await keeping.begin(
                session, UUID(step.reconciliation_id), self._gateway.name, self._settings.reconciliation_window
            )
        return Begun(
            reconciliation.since.isoformat(),
            self._settings.reconciliation_settling.total_seconds(),
            self._settings.stuck_after.total_seconds(),
        )

    @activity.defn
    async def compare_page(self, step: ComparePage) -> Compared:
        """One page of the provider's journal, and our payments of the time that it covers. Changes nothing."""
        since = datetime.fromisoformat(step.since)
        theirs: list[Intent] = await anext(self._gateway.journal(since, step.after), [])
        start = (theirs[-1].created if theirs else None) or since
        until = datetime.fromisoformat(step.until) if step.until else None
        by_ref = {intent.ref: intent for intent in theirs}
        order_ids = {intent.order_id for intent in theirs if intent.order_id}
        settling = self._settings.reconciliation_settling
        async with self._database.reading() as session:
            named = await reading.named(session, self._gateway.name, by_ref.keys(), order_ids, settling)
            others = await reading.made_between(session, self._gateway.name, start, until, settling, but=by_ref.keys())
        pairs: list[Pair] = [(intent, _own_of(intent, named)) for intent in theirs]
        pairs += [(await self._gateway.find(str(own.ref)), own) for own in others]
        different = [(_ref_of(intent, own), own) for intent, own in pairs if judge(intent, own)]
        return Compared(
            compared=len(theirs) + sum(intent is None for intent, _ in pairs),
            differing=[ref for ref, own in different if not (own and own.is_moving)],
            moving=[ref for ref, own in different if own and own.is_moving],
            after=theirs[-1].ref if theirs else None,
            until=start.isoformat(),
        )

    @activity.defn
    async def settle_difference(self, step: SettleDifference) -> None:
        """Look at one intent again, write down where it differs, and mend what is safe. Safe to repeat."""
        reconciliation_id, ref = UUID(step.reconciliation_id), step.intent_ref
        remedies: dict[DifferenceKind, Remedy] = {}
        for _ in range(LOOKS):
            theirs, ours = await self._look(ref)
            kind = judge(theirs, ours)
            if kind is None or kind in remedies:
                break
            await self._note(reconciliation_id, ref, kind, theirs, ours)
            remedies[kind] = await self._mending.mend(kind, theirs, ours)
        left = kind if kind and remedies[kind] is not Remedy.TOLD else None
        async with self._database.transaction() as session:
            await keeping.conclude(session, reconciliation_id, ref, left)

    @activity.defn
    async def finish_reconciliation(self, step: FinishReconciliation) -> ReconciliationResult:
        """Count what differed, and what of it no longer does."""
        async with self._database.transaction() as session:
            ended = await keeping.finish(session, UUID(step.reconciliation_id), step.compared)
        return ReconciliationResult(step.reconciliation_id, ended.compared, ended.different, ended.mended)

    async def _look(self, ref: str) -> Pair:
        theirs = await self._gateway.find(ref)
        order_ids = [theirs.order_id] if theirs and theirs.order_id else []
        settling = self._settings.reconciliation_settling
        async with self._database.reading() as session:
            found = await reading.named(session, self._gateway.name, [ref], order_ids, settling)
        return theirs, _on_it(ref, found) or (_own_of(theirs, found) if theirs else None)

    async def _note(
        self, reconciliation_id: UUID, ref: str, kind: DifferenceKind, theirs: Intent | None, ours: Own | None
    ) -> None:
        order_id = ours.payment.order_id if ours else theirs.order_id if theirs else None
        async with self._database.transaction() as session:
            await keeping.note(
                session, reconciliation_id, ref, order_id, kind, ours=_ours(ours), theirs=_theirs(theirs)
            )


def _ref_of(theirs: Intent | None, own: Own | None) -> str:
    return theirs.ref if theirs else str(own and own.ref)


def _own_of(theirs: Intent, found: Sequence[Own]) -> Own | None:
    """The payment on this intent, or else the one of the order that it names."""
    of_order = (own for own in found if own.payment.order_id == theirs.order_id)
    return _on_it(theirs.ref, found) or next(of_order, None)


def _on_it(ref: str, found: Sequence[Own]) -> Own | None:
    return next((own for own in found if own.ref == ref), None)


def _ours(own: Own | None) -> dict[str, Any]:
    if own is None:
        return {}
    payment = own.payment
    return {
        "payment_id": str(payment.id), "provider_ref": payment.provider_ref, "status": payment.status,
        "order_status": own.order_status, "currency": payment.currency, "amount": payment.amount,
        "captured": payment.captured, "refunded": payment.refunded,
    }  # fmt: skip


def _theirs(intent: Intent | None) -> dict[str, Any]:
    if intent is None:
        return {}
    return {
        "order_id": str(intent.order_id) if intent.order_id else None, "status": intent.status,
        "currency": intent.amount.currency, "amount": intent.amount.amount,
        "captured": intent.captured.amount, "refunded": intent.refunded.amount,
    }  # fmt: skip
