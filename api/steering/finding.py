"""Finding what is under way by its search attributes. What Temporal lists is a moment behind what it did."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey

from domain.orders import OrderStatus, PaymentMethod
from workflows.attributes import ORDER_ID, STUCK_STEP, WAITING_FOR

PATIENCE = timedelta(seconds=5)
"""For one answer of Temporal's."""

UNDER_WAY = (
    "ExecutionStatus = 'Running' "
    "AND WorkflowType IN ('CheckoutWorkflow', 'FulfilmentWorkflow', 'ReturnWorkflow', 'RefundWorkflow')"
)
IDS_IN_A_QUERY = 50


@dataclass(frozen=True)
class Run:
    """A workflow under way, for an order."""

    workflow_id: str
    workflow_type: str
    order_id: UUID
    started_at: datetime
    waiting_for: str | None = None
    stuck_step: str | None = None


@dataclass(frozen=True)
class Wanted:
    """None asks for all. `stuck` is whether a step is, or which one."""

    waiting_for: str | None = None
    stuck: bool | str | None = None
    older_than: timedelta | None = None
    payment_method: PaymentMethod | None = None
    status: OrderStatus | None = None

    @property
    def query(self) -> str:
        """Temporal's list filter, with whatever somebody typed as plain values in it."""
        parts = [UNDER_WAY]
        for name, value in (
            ("WaitingFor", self.waiting_for),
            ("PaymentMethod", self.payment_method),
            ("OrderStatus", self.status),
        ):
            if value is not None:
                parts.append(f"{name} = {quoted(value)}")
        if isinstance(self.stuck, bool):
            parts.append(f"StuckStep IS {'NOT NULL' if self.stuck else 'NULL'}")
        elif self.stuck is not None:
            parts.append(f"StuckStep = {quoted(self.stuck)}")
        if self.older_than is not None:
            before = datetime.now(UTC) - self.older_than
            parts.append(f"StartTime < {quoted(before.isoformat().replace('+00:00', 'Z'))}")
        return " AND ".join(parts)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


async def page(temporal: Client, wanted: Wanted, limit: int, token: bytes | None) -> tuple[list[Run], bytes | None]:
    """The newest first, and the token of the next page."""
    found = temporal.list_workflows(wanted.query, page_size=limit, next_page_token=token, rpc_timeout=PATIENCE)
    await found.fetch_next_page()
    return [run for execution in found.current_page or () if (run := run_of(execution))], found.next_page_token


async def matching(temporal: Client, wanted: Wanted) -> AsyncIterator[Run]:
    async for execution in temporal.list_workflows(wanted.query, rpc_timeout=PATIENCE):
        if run := run_of(execution):
            yield run


async def of_orders(temporal: Client, order_ids: Sequence[UUID]) -> AsyncIterator[Run]:
    """What is under way for these orders."""
    for start in range(0, len(order_ids), IDS_IN_A_QUERY):
        ids = ", ".join(quoted(str(order_id)) for order_id in order_ids[start : start + IDS_IN_A_QUERY])
        async for execution in temporal.list_workflows(f"{UNDER_WAY} AND OrderId IN ({ids})", rpc_timeout=PATIENCE):
            if run := run_of(execution):
                yield run


def run_of(execution: WorkflowExecution) -> Run | None:
    """None for what has told no order yet, or a broken one: whoever may talk to Temporal may start anything."""
    try:
        order_id = UUID(attribute(execution, ORDER_ID) or "")
    except ValueError:
        return None
    return Run(
        workflow_id=execution.id,
        workflow_type=execution.workflow_type,
        order_id=order_id,
        started_at=execution.start_time,
        waiting_for=attribute(execution, WAITING_FOR),
        stuck_step=attribute(execution, STUCK_STEP),
    )


def attribute(execution: WorkflowExecution, key: SearchAttributeKey[str]) -> str | None:
    return execution.typed_search_attributes.get(key)
