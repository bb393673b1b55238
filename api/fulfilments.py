"""What staff, or its owner, tell an order whose checkout is over: a command to its fulfilment, which starts with it."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from api.messaging import answer_of, send_once, start_and_update
from core.database import Database
from domain.errors import NotAllowedInState
from domain.messages.fulfilment import Command, FulfilmentInput, FulfilmentResult, Instruction, Moved
from domain.orders import OrderStatus, fulfilment_workflow_id
from models.orders import Order
from services import audit
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import reading
from services.orders.reading import Viewer
from workflows.attributes import ORDER_ID
from workflows.fulfilment import FulfilmentWorkflow
from workflows.options import TASK_TIMEOUT

STARTS = {
    Command.PROCESS: OrderStatus.CONFIRMED,
    Command.SHIP: OrderStatus.PROCESSING,
    Command.DELIVER: OrderStatus.SHIPPED,
}

CLOSED = (RPCStatusCode.NOT_FOUND, RPCStatusCode.ABORTED)
"""How a workflow answers that closes at the moment an update reaches it."""

LEADS_TO = {Command.PROCESS: OrderStatus.PROCESSING, Command.DELIVER: OrderStatus.DELIVERED}

Judge = Callable[[AsyncSession, Order], Awaitable[None]]


class Fulfilments:
    def __init__(self, database: Database, temporal: Client, task_queue: str) -> None:
        self._database = database
        self._temporal = temporal
        self._task_queue = task_queue

    async def tell(
        self, order_id: UUID, instruction: Instruction, keyed: KeyedRequest | None, actor: Actor, judge: Judge
    ) -> bool:
        """Send it and wait until it is carried out; True when this very request was made before.

        `judge` refuses what the order as it stands forbids, before anybody is told. Raises what that does, NotFound,
        NotAllowedInState, KeyReused, Unavailable, and the workflow's refusal.
        """

        async def prepare(session: AsyncSession, was_seen: bool) -> bool:
            whole = await reading.one(session, order_id, Viewer(UUID(instruction.by), is_staff=True))
            status = whole.order.status if whole else None
            if whole is None or status != STARTS[instruction.command]:
                if was_seen and await _was_done(session, order_id, instruction):
                    return False
                raise NotAllowedInState(f"This cannot be done to an order that is {status}.", order_status=status)
            if not was_seen:
                await judge(session, whole.order)
                details = {"note": instruction.note} if instruction.note else {}
                await audit.record(session, actor, f"order.{instruction.command}", "order", order_id, **details)
            return True

        async def send(update_id: str | None) -> object:
            return await self.instruct(order_id, instruction, update_id)

        return await send_once(self._database, keyed, prepare, send)

    async def instruct(self, order_id: UUID, instruction: Instruction, update_id: str | None) -> Moved:
        """Once more where the fulfilment closed this very moment: the next one takes it. Raises its refusal."""
        update_id = update_id or str(uuid4())

        async def send() -> Moved:
            try:
                return await self._send(order_id, instruction, update_id)
            except RPCError as error:
                if error.status not in CLOSED:
                    raise
            return await self._send(order_id, instruction, update_id)

        return await answer_of(send())

    def _send(self, order_id: UUID, instruction: Instruction, update_id: str) -> Awaitable[Moved]:
        return start_and_update(
            self._temporal, self._start(order_id), FulfilmentWorkflow.instruct, instruction, update_id
        )

    def _start(self, order_id: UUID) -> WithStartWorkflowOperation[FulfilmentWorkflow, FulfilmentResult]:
        return WithStartWorkflowOperation(
            FulfilmentWorkflow.run,
            FulfilmentInput(str(order_id)),
            id=fulfilment_workflow_id(order_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=TASK_TIMEOUT,
            search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, str(order_id))]),
            static_summary=f"Fulfilment of order {order_id}",
        )


async def _was_done(session: AsyncSession, order_id: UUID, instruction: Instruction) -> bool:
    """What was asked for and got no answer may have been overtaken: by a cancellation, while the provider was away."""
    if instruction.command is Command.SHIP:
        return await reading.has_parcel(session, order_id, instruction.carrier, instruction.tracking_number)
    return await reading.has_been(session, order_id, LEADS_TO[instruction.command])
