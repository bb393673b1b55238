"""Cancelling an order, whoever owns it: its checkout while that runs, and then its fulfilment."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.fulfilments import Fulfilments
from api.messaging import REPLY_DEADLINE, answer_of, send_once
from core.database import Database
from domain.errors import NotAllowedInState
from domain.messages.checkout import Decision, Receipt
from domain.messages.fulfilment import Command, Instruction
from domain.orders import CANCELLABLE, OrderStatus, checkout_workflow_id
from services import audit
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import moving, reading
from services.orders.reading import Viewer
from workflows.checkout import CheckoutWorkflow

LEFT_BY_CHECKOUT = (OrderStatus.PROCESSING, OrderStatus.SHIPPED)


async def cancel(
    database: Database,
    temporal: Client,
    fulfilments: Fulfilments,
    order_id: UUID,
    viewer: Viewer,
    reason: str,
    keyed: KeyedRequest | None,
    actor: Actor,
) -> bool:
    """Send it and wait until money and stock are undone; True when this very request was made before.

    The owner's reason stays in the order's timeline: no history holds a customer's words. Raises NotFound,
    NotAllowedInState, KeyReused, Unavailable.
    """
    by, note = str(viewer.user_id), reason if viewer.is_staff else None
    is_checkouts = True

    async def prepare(session: AsyncSession, was_seen: bool) -> bool:
        nonlocal is_checkouts
        whole = await reading.one(session, order_id, viewer)
        status = OrderStatus(whole.order.status) if whole else None
        is_checkouts = status not in LEFT_BY_CHECKOUT
        if status and not _may_cancel(status, viewer):
            if was_seen and status is OrderStatus.CANCELLED:
                return False
            raise NotAllowedInState(f"An order that is {status} cannot be cancelled any more.", order_status=status)
        if not was_seen and viewer.is_staff:
            await audit.record(session, actor, "order.cancel", "order", order_id, reason=reason)
        elif not was_seen and whole:
            await moving.note_once(session, order_id, kind="cancel_requested", by=by, note=reason)
        return True

    async def send(update_id: str | None) -> object:
        if is_checkouts:
            receipt = await _tell_checkout(temporal, order_id, Decision(by, note), update_id)
            if receipt is not None and receipt.status == OrderStatus.CANCELLED:
                return receipt
        instruction = Instruction(Command.CANCEL, by, note, is_owner=not viewer.is_staff)
        return await fulfilments.instruct(order_id, instruction, update_id)

    return await send_once(database, keyed, prepare, send)


def _may_cancel(status: OrderStatus, viewer: Viewer) -> bool:
    return status in CANCELLABLE and (viewer.is_staff or status is not OrderStatus.SHIPPED)


async def _tell_checkout(temporal: Client, order_id: UUID, decision: Decision, update_id: str | None) -> Receipt | None:
    """How the checkout left the order; None where it was over before."""
    handle = temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))

    async def send() -> Receipt | None:
        try:
            return await handle.execute_update(
                CheckoutWorkflow.cancel, decision, id=update_id, rpc_timeout=REPLY_DEADLINE
            )
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise

    return await answer_of(send())
