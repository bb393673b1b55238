"""Messages to workflows that move an order, a refund or a return: written down first, sent once per Idempotency-Key."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
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
    was_seen = False
    async with database.transaction() as session:
        if keyed is not None:
            was_seen = not await idempotency.record(session, keyed.user_id, keyed.key, keyed.fingerprint)
            await idempotency.require_unused(session, keyed.user_id, keyed.key, but=Use.DECISION)
        is_to_be_sent = await prepare(session, was_seen)
    if not is_to_be_sent:
        return was_seen
    try:
        await send(update_id_of(keyed))
    except Fact:
        if keyed is not None:
            async with database.transaction() as session:
                await idempotency.forget(session, keyed.user_id, keyed.key)
        raise
    return was_seen


def update_id_of(keyed: KeyedRequest | None) -> str | None:
    """The key itself stays out of the history."""
    if keyed is None:
        return None
    whole = f"{keyed.user_id}:{keyed.key}:{keyed.fingerprint}"
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


def start_and_update(
    temporal: Client, start: WithStartWorkflowOperation[Any, Any], update: Any, argument: object, update_id: str | None
) -> Awaitable[Any]:
    """An update of the workflow that `start` names, which begins where none runs."""
    return temporal.execute_update_with_start_workflow(
        update, argument, start_workflow_operation=start, id=update_id, rpc_timeout=REPLY_DEADLINE
    )
