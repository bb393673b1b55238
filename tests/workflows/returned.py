"""A return on its way, and what its workflow is told and asked."""

from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.messages.returns import DecideReturn, ReturnDecision
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import delivered, requested
from tests.workflows.conftest import Running, StartReturn
from tests.workflows.test_checkout_undone import wait_until
from workflows.returns import ReturnWorkflow

APPROVE = DecideReturn(ReturnDecision.APPROVE, "desk", "send it in")
REJECT = DecideReturn(ReturnDecision.REJECT, "desk", "worn")
RECEIVE = DecideReturn(ReturnDecision.RECEIVE, "desk")
WRITE_OFF = DecideReturn(ReturnDecision.RECEIVE, "desk", "broken", restock=False)


async def begin(
    shop: Shop, gateway: FakePayments, start: StartReturn, units: int = 2, **how: Any
) -> tuple[UUID, UUID, Running]:
    """Of an order of three lamps, this many are to come back: (order id, return id, its workflow)."""
    await shop.product("LAMP", stock=5)
    order_id = await delivered(shop, gateway, {"LAMP": 3}, **how)
    return_id = await requested(shop, order_id, {"LAMP": units})
    return order_id, return_id, await start(return_id, order_id)


async def decide(running: Running, decision: DecideReturn) -> str:
    return (await running.execute_update(ReturnWorkflow.decide, decision)).status


async def refusal(running: Running, decision: DecideReturn) -> tuple[str | None, Any]:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await decide(running, decision)
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause.type, refused.value.cause.details[0]


async def waits_for(running: Running, what: str | None) -> None:
    async def is_there() -> bool:
        return (await running.query(ReturnWorkflow.progress)).waiting_for == what

    await wait_until(is_there)
