"""The messages by which staff steer an order: signals, and an update where an answer is needed."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from api.messaging import answer_of
from api.steering.finding import PATIENCE
from domain.messages.checkout import Receipt
from domain.messages.fulfilment import FulfilmentInput
from domain.messages.steering import ExtendHold
from domain.orders import CANCELLABLE, PENDING, OrderStatus, checkout_workflow_id, fulfilment_workflow_id
from workflows.attributes import ORDER_ID
from workflows.checkout import CheckoutWorkflow
from workflows.fulfilment import FulfilmentWorkflow
from workflows.options import TASK_TIMEOUT

HAS_CHECKOUT = PENDING | {OrderStatus.CONFIRMED}
"""States in which the checkout may still run."""


class Action(StrEnum):
    RETRY = "retry"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    REJECT = "reject"
    EXTEND_HOLD = "extend-hold"


ALLOWED_IN = {
    Action.CANCEL: CANCELLABLE,
    Action.CONFIRM: frozenset({OrderStatus.PENDING_CONFIRMATION}),
    Action.REJECT: frozenset({OrderStatus.PENDING_CONFIRMATION}),
    Action.EXTEND_HOLD: PENDING,
}
"""`RETRY` asks what is stuck instead."""

SIGNALS = {Action.CONFIRM: "confirm_cod", Action.REJECT: "reject_cod", Action.CANCEL: "cancel_order"}


@dataclass(frozen=True)
class Act:
    """`minutes` goes with `EXTEND_HOLD`."""

    action: Action
    by: str
    reason: str | None
    minutes: int | None = None


async def send(
    temporal: Client, task_queue: str, act: Act, order_id: UUID, status: OrderStatus, update_id: str | None
) -> None:
    """Anything but a retry. Raises NotAllowedInState when its workflow is over, Unavailable, and RPCError."""
    if act.action is Action.EXTEND_HOLD:
        await extend_hold(temporal, order_id, ExtendHold(act.minutes or 0, act.by, act.reason), update_id)
    elif act.action is Action.CANCEL:
        await _cancel(temporal, task_queue, act, order_id, status)
    else:
        await _signal(temporal, checkout_workflow_id(order_id), SIGNALS[act.action], act)


async def extend_hold(temporal: Client, order_id: UUID, extension: ExtendHold, update_id: str | None) -> Receipt:
    handle = temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
    return await answer_of(
        handle.execute_update(CheckoutWorkflow.extend_hold, extension, id=update_id, rpc_timeout=PATIENCE)
    )


async def retry(temporal: Client, workflow_id: str) -> None:
    await temporal.get_workflow_handle(workflow_id).signal("retry_stuck", rpc_timeout=PATIENCE)


async def _cancel(temporal: Client, task_queue: str, act: Act, order_id: UUID, status: OrderStatus) -> None:
    """By the checkout while it runs, which hands over what comes too late, and else by the fulfilment."""
    if status in HAS_CHECKOUT:
        try:
            await _signal(temporal, checkout_workflow_id(order_id), SIGNALS[act.action], act)
            return
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND or status in PENDING:
                raise
    await temporal.start_workflow(
        FulfilmentWorkflow.run,
        FulfilmentInput(str(order_id)),
        id=fulfilment_workflow_id(order_id),
        task_queue=task_queue,
        task_timeout=TASK_TIMEOUT,
        search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, str(order_id))]),
        static_summary=f"Fulfilment of order {order_id}",
        start_signal=SIGNALS[act.action],
        start_signal_args=[_said(act)],
        rpc_timeout=PATIENCE,
    )


async def _signal(temporal: Client, workflow_id: str, name: str, act: Act) -> None:
    await temporal.get_workflow_handle(workflow_id).signal(name, _said(act), rpc_timeout=PATIENCE)


def _said(act: Act) -> dict[str, str | None]:
    return {"by": act.by, "note": act.reason}
