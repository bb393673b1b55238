"""Returns: the row first, then its workflow; what staff decide about one; and what a crash in between left behind."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from api.messaging import answer_of, send_once, start_and_update
from core.database import Database
from core.settings import Settings
from domain.errors import NotAllowedInState
from domain.messages.returns import DecideReturn, ReturnInput
from domain.orders import RETURN_MOVES, ReturnStatus, return_workflow_id
from models.returns import Return
from services import audit, idempotency
from services.audit import Actor
from services.idempotency import KeyedRequest, Made
from services.orders.reading import Viewer
from services.returns import moving, reading, requesting
from services.returns.requesting import ReturnTerms, ReturnWish
from workflows.attributes import ORDER_ID
from workflows.returns import ReturnWorkflow

log = structlog.get_logger()

UNSTARTED_AFTER = timedelta(seconds=60)
OVERDUE_AFTER = timedelta(hours=1)
"""Above what a busy worker or an outage of minutes makes of a deadline."""

PATIENCE = 2.0
"""Seconds that a request waits for Temporal, whose client alone would go on for ten or more."""

AT_ONCE = 200


class Returns:
    def __init__(self, database: Database, temporal: Client, settings: Settings) -> None:
        self._database = database
        self._temporal = temporal
        self._task_queue = settings.task_queue
        self._terms = ReturnTerms(settings.return_window, settings.return_decision_deadline)

    async def request(
        self, order_id: UUID, viewer: Viewer, wish: ReturnWish, keyed: KeyedRequest, actor: Actor
    ) -> Made:
        """Write it down, then start its workflow. From the row on it happens, whoever dies: `keep_starting` finds it.

        Raises what `requesting.request` does, and KeyReused.
        """
        async with self._database.transaction() as session:

            async def make() -> UUID:
                return_id = await requesting.request(session, order_id, viewer, wish, self._terms)
                if viewer.is_staff:
                    await audit.record(session, actor, "return.request", "return", return_id, order_id=str(order_id))
                return return_id

            made = await idempotency.once(session, keyed, make)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._start(UUID(made.resource), order_id)
        except (RPCError, TimeoutError) as error:
            log.warning("return.left_for_later", return_id=made.resource, error=type(error).__name__)
        return made

    async def decide(self, return_id: UUID, decision: DecideReturn, keyed: KeyedRequest | None, actor: Actor) -> bool:
        """Send it and wait until it is carried out; True when this very request was made before.

        Raises NotFound, NotAllowedInState, KeyReused, TooManyUnits, Unavailable.
        """
        asked: Return | None = None

        async def prepare(session: AsyncSession, was_seen: bool) -> bool:
            nonlocal asked
            asked = await moving.find(session, return_id)
            if decision.decision.leads_to not in RETURN_MOVES[ReturnStatus(asked.status)]:
                if was_seen:
                    return False
                detail = f"A return that is {asked.status} does not wait for this."
                raise NotAllowedInState(detail, return_status=asked.status)
            if not was_seen:
                details = {"note": decision.note} if decision.note else {}
                await audit.record(session, actor, f"return.{decision.decision}", "return", return_id, **details)
            return True

        async def send(update_id: str | None) -> None:
            assert asked is not None  # noqa: S101 — `prepare` found it
            start = WithStartWorkflowOperation(
                ReturnWorkflow.run,
                ReturnInput(str(return_id), str(asked.order_id)),
                **self._how(return_id, asked.order_id),
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            try:
                await answer_of(start_and_update(self._temporal, start, ReturnWorkflow.decide, decision, update_id))
            except WorkflowAlreadyStartedError as error:
                raise NotAllowedInState("The return's workflow is over.") from error

        return await send_once(self._database, keyed, prepare, send)

    async def start_left_behind(self) -> int:
        """Start what has no workflow; how many looked as if. One that is running goes on undisturbed."""
        async with self._database.reading() as session:
            left = await reading.left_behind(session, UNSTARTED_AFTER, OVERDUE_AFTER, AT_ONCE)
        for row in left:
            await self._start(row.id, row.order_id)
        return len(left)

    async def keep_starting(self) -> None:
        """Runs as long as the API does."""
        while True:
            await asyncio.sleep(UNSTARTED_AFTER.total_seconds() / 2)
            try:
                if left := await self.start_left_behind():
                    log.info("return.taken_up", returns=left)
            except Exception as error:
                log.warning("return.taking_up_failed", error=type(error).__name__)

    async def _start(self, return_id: UUID, order_id: UUID) -> None:
        with suppress(WorkflowAlreadyStartedError):
            await self._temporal.start_workflow(
                ReturnWorkflow.run, ReturnInput(str(return_id), str(order_id)), **self._how(return_id, order_id)
            )

    def _how(self, return_id: UUID, order_id: UUID) -> dict[str, Any]:
        """One that was ended from outside has left its return as it was: only such a one is started anew."""
        return {
            "id": return_workflow_id(return_id),
            "task_queue": self._task_queue,
            "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            "search_attributes": TypedSearchAttributes([SearchAttributePair(ORDER_ID, str(order_id))]),
            "static_summary": f"Return of order {order_id}",
        }
