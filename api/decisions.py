"""Passing a staff member's decision on to the order's workflow, once per Idempotency-Key."""

from dataclasses import asdict
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from api.refusals import over_or_away, refusal_of
from core.database import Database
from domain.errors import Fact, NotAllowedInState, Unavailable
from domain.messages.checkout import CodDecision
from domain.orders import OrderStatus, checkout_workflow_id
from services import audit, idempotency
from services.audit import Actor
from services.idempotency import Use
from services.orders import reading
from services.orders.reading import Viewer
from services.orders.requesting import fingerprint_of
from workflows.checkout import CheckoutWorkflow

DECISION_DEADLINE = timedelta(seconds=10)


async def decide_cod(
    database: Database, temporal: Client, order_id: UUID, decision: CodDecision, key: str | None, actor: Actor
) -> bool:
    """Send it and wait until the order is confirmed or cancelled; True when this very request was made before.

    The audit log has it as asked for; what came of it, where two decide at once, is in the order's timeline.
    Raises NotFound, NotAllowedInState, KeyReused, Unavailable.
    """
    staff = UUID(decision.by)
    was_seen = False
    async with database.transaction() as session:
        whole = await reading.one(session, order_id, Viewer(staff, is_staff=True))
        if key is not None:
            fingerprint = fingerprint_of({"order_id": str(order_id), **asdict(decision)})
            was_seen = not await idempotency.record(session, staff, key, fingerprint)
            await idempotency.require_unused(session, staff, key, but=Use.DECISION)
        status = whole.order.status if whole else None
        if whole is not None and status != OrderStatus.PENDING_CONFIRMATION:
            if was_seen:
                return True
            raise NotAllowedInState(f"An order that is {status} waits for no decision.", order_status=status)
        if not was_seen:
            action = "order.confirm" if decision.confirm else "order.reject"
            await audit.record(session, actor, action, "order", order_id)
    try:
        await _send(temporal, order_id, decision, _update_id(staff, key))
    except Fact:
        await _forget(database, staff, key)
        raise
    return was_seen


async def _send(temporal: Client, order_id: UUID, decision: CodDecision, update_id: str | None) -> None:
    handle = temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
    try:
        await handle.execute_update(CheckoutWorkflow.decide_cod, decision, id=update_id, rpc_timeout=DECISION_DEADLINE)
    except WorkflowUpdateFailedError as error:
        raise refusal_of(error) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise Unavailable("The order's workflow takes its time: look at the order again.") from error
    except RPCError as error:
        raise over_or_away(error) from error


def _update_id(staff: UUID, key: str | None) -> str | None:
    return None if key is None else f"decide-{sha256(f'{staff}:{key}'.encode()).hexdigest()[:32]}"


async def _forget(database: Database, staff: UUID, key: str | None) -> None:
    """A refusal that changed nothing does not use the key up."""
    if key is not None:
        async with database.transaction() as session:
            await idempotency.forget(session, staff, key)
