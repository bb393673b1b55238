"""Passing a staff member's decision about a cash-on-delivery order on to its workflow."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from api.messaging import REPLY_DEADLINE, answer_of, send_once
from core.database import Database
from domain.errors import NotAllowedInState
from domain.messages.checkout import CodDecision
from domain.orders import OrderStatus, checkout_workflow_id
from services import audit
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import reading
from services.orders.reading import Viewer
from workflows.checkout import CheckoutWorkflow


async def decide_cod(
    database: Database,
    temporal: Client,
    order_id: UUID,
    decision: CodDecision,
    keyed: KeyedRequest | None,
    actor: Actor,
) -> bool:
    """Send it and wait until the order is confirmed or cancelled; True when this very request was made before.

    The audit log has it as asked for; what came of it, where two decide at once, is in the order's timeline.
    Raises NotFound, NotAllowedInState, KeyReused, Unavailable.
    """

    async def prepare(session: AsyncSession, was_seen: bool) -> bool:
        whole = await reading.one(session, order_id, Viewer(UUID(decision.by), is_staff=True))
        status = whole.order.status if whole else None
        if whole is not None and status != OrderStatus.PENDING_CONFIRMATION:
            outcome = OrderStatus.CONFIRMED if decision.confirm else OrderStatus.CANCELLED
            if was_seen and await reading.has_been(session, order_id, outcome):
                return False
            raise NotAllowedInState(f"An order that is {status} waits for no decision.", order_status=status)
        if not was_seen:
            action = "order.confirm" if decision.confirm else "order.reject"
            why = {"note": decision.note} if decision.note else {}
            await audit.record(session, actor, action, "order", order_id, **why)
        return True

    async def send(update_id: str | None) -> object:
        handle = temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
        return await answer_of(
            handle.execute_update(CheckoutWorkflow.decide_cod, decision, id=update_id, rpc_timeout=REPLY_DEADLINE)
        )

    return await send_once(database, keyed, prepare, send)
