"""A desk from which staff send their commands to the fulfilments of orders."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from domain.messages.fulfilment import Command, FulfilmentInput, FulfilmentResult, Instruction
from domain.orders import fulfilment_workflow_id
from workflows.fulfilment import FulfilmentWorkflow

Fulfilment = WorkflowHandle[FulfilmentWorkflow, FulfilmentResult]


@dataclass
class Desk:
    """Sends commands to the fulfilments of orders as the API does: the first one starts it."""

    client: Client
    task_queue: str
    orders: list[UUID] = field(default_factory=list)

    async def say(self, order_id: UUID, command: Command, *, key: str | None = None, **more: Any) -> str:
        """The order's status then. Raises WorkflowUpdateFailedError."""
        if order_id not in self.orders:
            self.orders.append(order_id)
        moved = await self.client.execute_update_with_start_workflow(
            FulfilmentWorkflow.instruct,
            Instruction(command, more.pop("by", "staff"), **more),
            start_workflow_operation=self._start(order_id),
            id=key,
        )
        return moved.status

    async def ship(self, order_id: UUID, *, key: str | None = None, **lines: int) -> str:
        """These units, or all that is left."""
        return await self.say(order_id, Command.SHIP, key=key, carrier="DHL", tracking_number="JJD0099", lines=lines)

    async def begin(self, order_id: UUID, signal: str | None = None, *arguments: object) -> Fulfilment:
        """Start it without a command, or with a signal."""
        self.orders.append(order_id)
        return await self.client.start_workflow(
            FulfilmentWorkflow.run,
            FulfilmentInput(str(order_id)),
            id=fulfilment_workflow_id(order_id),
            task_queue=self.task_queue,
            start_signal=signal,
            start_signal_args=arguments,
        )

    def fulfilment(self, order_id: UUID) -> Fulfilment:
        return self.client.get_workflow_handle_for(FulfilmentWorkflow.run, fulfilment_workflow_id(order_id))

    def _start(self, order_id: UUID) -> WithStartWorkflowOperation[FulfilmentWorkflow, FulfilmentResult]:
        return WithStartWorkflowOperation(
            FulfilmentWorkflow.run,
            FulfilmentInput(str(order_id)),
            id=fulfilment_workflow_id(order_id),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


async def refusal_of(said: Awaitable[str]) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await said
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause
