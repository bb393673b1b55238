"""A fulfilment that somebody resets in the Web UI after its order has moved on: what is done stays done, and once."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from domain.messages.fulfilment import Command
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.workflows.desk import Desk
from tests.workflows.test_fulfilment_interrupted import at_work, desk, packed

_ = at_work, desk

DONE = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


async def reset(client: Client, desk: Desk, order_id: UUID, task: int) -> None:
    """To the end of this workflow task of it. Updates and signals that came later are heard again."""
    handle = desk.fulfilment(order_id)
    tasks = [event for event in (await handle.fetch_history()).events if event.event_type == DONE]
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="pressed by mistake",
        workflow_task_finish_event_id=tasks[task].event_id,
        request_id=str(uuid4()),
    )
    await client.workflow_service.reset_workflow_execution(request)


async def facts(shop: Shop, order_id: UUID) -> tuple[Any, ...]:
    """All that a reset could spoil."""
    payment = await shop.rows("SELECT status, captured, refunded FROM payments")
    sent = await shop.rows("SELECT count(*), sum(quantity) FROM shipment_lines")
    return await shop.status(order_id), await shop.stock("LAMP"), payment, sent, await shop.events(order_id)


@pytest.mark.parametrize("said_then", [None, "cancel_order"])
@pytest.mark.parametrize("task", [0, 2])
@pytest.mark.parametrize("end", [Command.DELIVER, Command.CANCEL])
async def test_a_reset_after_the_end_changes_nothing(
    end: Command, task: int, said_then: str | None, shop: Shop, temporal: Client, desk: Desk,
    gateway: FakePayments, at_work: Any,
) -> None:  # fmt: skip
    async with at_work():
        order_id = await packed(shop, desk)
        await desk.ship(order_id, LAMP=1)
        if end is Command.DELIVER:
            await desk.ship(order_id)
        await desk.say(order_id, end)
        result = await desk.fulfilment(order_id).result()
    before = await facts(shop, order_id)
    await reset(temporal, desk, order_id, task)
    if said_then:
        await desk.fulfilment(order_id).signal(said_then)
    async with at_work():
        assert await desk.fulfilment(order_id).result() == result
    assert await facts(shop, order_id) == before
    assert gateway.count("refund") == (1 if end is Command.CANCEL else 0)
    await shop.require_invariants()
