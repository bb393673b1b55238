"""From a request row to its running checkout, and back with the answer. The row comes first: `api/clicks.py`."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.problems import TEMPORAL_AWAY
from api.refusals import over_or_away, refusal_of, remembered
from core.database import Database
from core.settings import Settings
from domain.errors import Unavailable
from domain.messages.checkout import CheckoutInput, Receipt, ReceiptInput
from domain.orders import checkout_workflow_id
from models.orders import CheckoutRequest, RequestOutcome
from services import idempotency, webhooks
from services.orders import requesting
from workflows.attributes import ORDER_ID
from workflows.checkout import CheckoutWorkflow
from workflows.options import TASK_TIMEOUT

log = structlog.get_logger()

UNSENT_AFTER = timedelta(seconds=60)
"""Above the reply deadline: a request without an order that nobody asks for any more was never sent."""


@dataclass(frozen=True)
class Outcome:
    """`finished` is False when the reply deadline came first: the checkout goes on by itself."""

    order_id: UUID
    finished: bool


class Checkouts:
    def __init__(self, database: Database, temporal: Client, settings: Settings) -> None:
        self._database = database
        self._temporal = temporal
        self._settings = settings

    async def run(self, request: CheckoutRequest) -> Outcome:
        """Start the order's checkout, or meet it, and wait for its receipt. Raises the domain's refusal.

        Sent once more when Temporal was away for a moment: the ids are the same, so it cannot start twice.
        """
        if request.outcome == RequestOutcome.ACCEPTED:
            return Outcome(request.order_id, finished=True)
        if request.outcome == RequestOutcome.REFUSED:
            raise remembered(request)
        try:
            return await self._send(request)
        except RPCError as error:
            if error.status not in TEMPORAL_AWAY:
                raise
            log.warning("checkout.sent_again", status=error.status.name)
        try:
            return await self._send(request)
        except RPCError as error:
            raise Unavailable("The checkout could not be started. Send the same request again.") from error

    async def _send(self, request: CheckoutRequest) -> Outcome:
        order_id = request.order_id
        try:
            await self._deliver(request)
        except WorkflowUpdateFailedError as error:
            raise refusal_of(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            await self._require_started(order_id)
            return Outcome(order_id, finished=False)
        except RPCError as error:
            if error.status != RPCStatusCode.FAILED_PRECONDITION:
                raise
            # Its workflow tasks keep failing or timing out, so it takes no update: it goes on when that is mended.
            await self._require_started(order_id)
            return Outcome(order_id, finished=False)
        except WorkflowAlreadyStartedError:
            return await self._after_the_end(order_id)
        return Outcome(order_id, finished=True)

    async def _deliver(self, request: CheckoutRequest) -> None:
        start = self._start_operation(request.order_id)
        try:
            await self._temporal.execute_update_with_start_workflow(
                CheckoutWorkflow.receipt,
                ReceiptInput(),
                start_workflow_operation=start,
                id=f"receipt-{request.fingerprint[:32]}",
                rpc_timeout=self._settings.checkout_reply_deadline,
            )
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowAlreadyStartedError):
            with suppress(Exception):  # asked for, or asyncio would log that nobody did
                async with asyncio.timeout(0.1):
                    await start.workflow_handle()
            raise

    def _start_operation(self, order_id: UUID) -> WithStartWorkflowOperation[CheckoutWorkflow, Any]:
        return WithStartWorkflowOperation(
            CheckoutWorkflow.run,
            CheckoutInput(str(order_id)),
            id=checkout_workflow_id(order_id),
            task_queue=self._settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=TASK_TIMEOUT,
            search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, str(order_id))]),
            static_summary=f"Checkout of order {order_id}",
        )

    async def _require_started(self, order_id: UUID) -> None:
        """A reply that never came: 202 only when the checkout is known to be there."""
        if not await self._exists(order_id):
            raise Unavailable("The checkout could not be started. Send the same request again.")

    async def _exists(self, order_id: UUID) -> bool:
        handle = self._temporal.get_workflow_handle(checkout_workflow_id(order_id))
        try:
            await handle.describe(rpc_timeout=timedelta(seconds=2))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise Unavailable("Temporal does not answer. Send the same request again.") from error
        return True

    async def _after_the_end(self, order_id: UUID) -> Outcome:
        """The workflow is over and does not know this update: the request row knows how it went."""
        async with self._database.transaction() as session:
            request = await session.get_one(CheckoutRequest, order_id)
        if request.outcome == RequestOutcome.REFUSED:
            raise remembered(request)
        return Outcome(order_id, finished=True)

    async def try_card(self, order_id: UUID, attempt: int) -> Receipt | None:
        """Have the running checkout try another card; None when the reply deadline came first.

        Raises the refusal, and NotAllowedInState when the checkout is over.
        """
        handle = self._temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
        try:
            return await handle.execute_update(
                CheckoutWorkflow.receipt,
                ReceiptInput(attempt),
                id=f"receipt-card-{attempt}",
                rpc_timeout=self._settings.checkout_reply_deadline,
            )
        except WorkflowUpdateFailedError as error:
            raise refusal_of(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return None
        except RPCError as error:
            raise over_or_away(error) from error

    async def forget_unsent(self) -> int:
        """Free the keys and carts of requests whose message was never sent: a crash in between, nobody was told."""
        async with self._database.transaction() as session:
            candidates = await requesting.unsent(session, UNSENT_AFTER)
        forgotten = 0
        for order_id in candidates:
            if not await self._exists(order_id):
                async with self._database.transaction() as session:
                    forgotten += await requesting.forget(session, order_id, UNSENT_AFTER)
        return forgotten

    async def keep_forgetting(self) -> None:
        """Runs as long as the API does."""
        while True:
            await asyncio.sleep(UNSENT_AFTER.total_seconds() / 3)
            try:
                if forgotten := await self.forget_unsent():
                    log.info("checkout.unsent_forgotten", requests=forgotten)
                async with self._database.transaction() as session:
                    await idempotency.forget_old(session)
                    await webhooks.forget_old(session)
            except Exception as error:
                log.warning("checkout.forgetting_failed", error=type(error).__name__)
