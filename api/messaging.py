"""Messages to workflows that move an order, a refund or a return: written down first, sent once per Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from api.refusals import over_or_away, refusal_of
from core.database import Database
from domain.errors import Fact, Unavailable
from services import idempotency
from services.idempotency import KeyedRequest, Use

REPLY_DEADLINE = timedelta(seconds=10)

Reply = TypeVar("Reply")


async def send_once(
    database: Database,
    keyed: KeyedRequest | None,
    prepare: Callable[[AsyncSession, bool], Awaitable[bool]],
    send: Callable[[str | None], Awaitable[object]],
) -> bool:
    """Send a message unless it was sent and done; True when this very request was made before.

    `prepare(session, was_seen)` judges the request and writes what it leaves, the audit log among it, in the
    transaction that records the key; False where the message is done already. `send(update_id)` sends it: the same id
    for the same request, so that a repeated one meets the first. A refusal does not use the key up.
    """
    was_seen, at = False, None
    async with database.transaction() as session:
        if keyed is not None:
            was_seen = not await idempotency.record(session, keyed.user_id, keyed.key, keyed.fingerprint)
            await idempotency.require_unused(session, keyed.user_id, keyed.key, but=Use.DECISION)
            at = await idempotency.recorded_at(session, keyed.user_id, keyed.key)
        is_to_be_sent = await prepare(session, was_seen)
    if not is_to_be_sent:
        return was_seen
    try:
        await send(update_id_of(keyed, at))
    except Fact:
        if keyed is not None and at is not None:
            async with database.transaction() as session:
                await idempotency.forget(session, keyed.user_id, keyed.key, at)
        raise
    return was_seen


def update_id_of(keyed: KeyedRequest | None, at: datetime | None = None) -> str | None:
    """The same for the same use of the key, which itself stays out of the history.

    `at` is when the key was recorded: one that was refused may be sent again, and is not answered with that refusal.
    """
    if keyed is None:
        return None
    whole = f"{keyed.user_id}:{keyed.key}:{keyed.fingerprint}:{at.isoformat() if at else ''}"
    return f"request-{sha256(whole.encode()).hexdigest()[:32]}"


async def answer_of(update: Awaitable[Reply]) -> Reply:
    """What came of an update. Raises its refusal, NotAllowedInState when its workflow is over, and Unavailable."""
    try:
        return await update
    except WorkflowUpdateFailedError as error:
        raise refusal_of(error) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise Unavailable("The order's workflow takes its time: look at the order again.") from error
    except RPCError as error:
        raise over_or_away(error) from error


async def start_and_update(
    temporal: Client,
    start: WithStartWorkflowOperation[Any, Any],
    update: Any,
    argument: object,
    update_id: str | None,
    deadline: timedelta = REPLY_DEADLINE,
) -> Any:
    """An update of the workflow that `start` names, which begins where none runs."""
    try:
        return await temporal.execute_update_with_start_workflow(
            update, argument, start_workflow_operation=start, id=update_id, rpc_timeout=deadline
        )
    except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowAlreadyStartedError):
        with suppress(Exception):  # asked for, or asyncio would log that nobody did
            async with asyncio.timeout(0.1):
                await start.workflow_handle()
        raise
