"""Giving money back: the row first, then its workflow, and somebody who starts what a crash in between left behind."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.messaging import answer_of, start_and_update
from core.database import Database
from core.settings import Settings
from domain.errors import NotAllowedInState, PaymentRefused, Unavailable
from domain.messages.refunds import RefundInput, RefundOutcome
from domain.money import Money
from domain.orders import RefundStatus, refund_workflow_id
from models.payments import Refund
from services import audit, refunds
from services.audit import Actor
from services.idempotency import KeyedRequest
from workflows.attributes import ORDER_ID
from workflows.refund import RefundWorkflow

log = structlog.get_logger()

UNSENT_AFTER = timedelta(seconds=60)
"""Above the reply deadline: what is still pending then may have no workflow."""

REUSE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
"""One that was ended from outside has left its refund pending: it is started anew."""


class Refunds:
    def __init__(self, database: Database, temporal: Client, settings: Settings) -> None:
        self._database = database
        self._temporal = temporal
        self._settings = settings

    async def ask(
        self, payment_id: UUID, amount: Money | None, reason: str, keyed: KeyedRequest, actor: Actor
    ) -> tuple[UUID, bool]:
        """Claim the money; the refund's id, and whether this very request was made before. Raises what `request` does.

        From here on it happens, whoever dies: the row is the promise, and `keep_sending` finds it.
        """
        async with self._database.transaction() as session:
            refund, was_seen = await refunds.request(session, payment_id, keyed, amount, reason)
            if not was_seen:
                await audit.record(
                    session, actor, "payment.refund", "payment", payment_id,
                    refund_id=str(refund.id), amount=refund.amount, currency=refund.currency, reason=reason,
                )  # fmt: skip
        return refund.id, was_seen

    async def finish(self, refund_id: UUID) -> Refund:
        """The refund as it stands when it is done, or pending where the provider or Temporal takes its time.

        Raises PaymentRefused.
        """
        refund = await self._read(refund_id)
        if refund.status == RefundStatus.PENDING:
            # The row says how it ended, and a refund that is still pending will be done: nothing here is an error.
            with suppress(Unavailable, NotAllowedInState, WorkflowAlreadyStartedError, WorkflowUpdateFailedError):
                await answer_of(self._start_and_wait(refund))
            refund = await self._read(refund_id)
        if refund.status == RefundStatus.FAILED:
            raise PaymentRefused(f"The payment provider refused: {refund.failure}.", reason=refund.failure)
        return refund

    async def _read(self, refund_id: UUID) -> Refund:
        async with self._database.reading() as session:
            return await refunds.get(session, refund_id)

    async def send_unsent(self) -> int:
        """Start the workflows of refunds that have none: a crash came between row and message, or one was ended."""
        async with self._database.reading() as session:
            candidates = await refunds.unsent(session, UNSENT_AFTER)
        sent = 0
        for refund in candidates:
            with suppress(WorkflowAlreadyStartedError):
                await self._temporal.start_workflow(
                    RefundWorkflow.run,
                    _input(refund),
                    id=refund_workflow_id(refund.id),
                    task_queue=self._settings.task_queue,
                    id_reuse_policy=REUSE,
                    search_attributes=_attributes(refund),
                    static_summary=f"Refund of order {refund.order_id}",
                )
                sent += 1
        return sent

    async def keep_sending(self) -> None:
        """Runs as long as the API does."""
        while True:
            await asyncio.sleep(UNSENT_AFTER.total_seconds() / 2)
            try:
                if sent := await self.send_unsent():
                    log.info("refund.sent_late", refunds=sent)
            except Exception as error:
                log.warning("refund.sending_failed", error=type(error).__name__)

    def _start_and_wait(self, refund: Refund) -> Awaitable[RefundOutcome]:
        start = WithStartWorkflowOperation(
            RefundWorkflow.run,
            _input(refund),
            id=refund_workflow_id(refund.id),
            task_queue=self._settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=REUSE,
            search_attributes=_attributes(refund),
            static_summary=f"Refund of order {refund.order_id}",
        )
        deadline = self._settings.checkout_reply_deadline
        return start_and_update(self._temporal, start, RefundWorkflow.outcome, _input(refund), "outcome", deadline)


def _input(refund: Refund) -> RefundInput:
    return RefundInput(str(refund.id), str(refund.order_id))


def _attributes(refund: Refund) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(ORDER_ID, str(refund.order_id))])
