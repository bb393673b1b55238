"""One order's workflow, as staff see it: what owns the order, what it is doing, what else is under way for it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from api.steering import finding, records
from api.steering.finding import PATIENCE, Run, attribute
from api.steering.records import Doing
from domain.orders import checkout_workflow_id, fulfilment_workflow_id
from workflows.attributes import STUCK_STEP, WAITING_FOR

PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Look:
    """`status` is Temporal's word in lower case, or `forgotten` once it keeps the workflow no longer."""

    workflow_id: str
    workflow_type: str
    status: str
    run_id: str | None = None
    started_at: datetime | None = None
    waiting_for: str | None = None
    stuck_step: str | None = None
    problems: list[str] = field(default_factory=list)
    doing: Doing = field(default_factory=Doing)
    related: list[Run] = field(default_factory=list)


async def look(temporal: Client, order_id: UUID) -> Look:
    """At the workflow that owns the order: its fulfilment once there is one, unless the checkout still runs."""
    checkout, fulfilment, under_way = await asyncio.gather(
        describe(temporal, checkout_workflow_id(order_id)),
        describe(temporal, fulfilment_workflow_id(order_id)),
        _under_way(temporal, order_id),
    )
    owner = next((run for run in (checkout, fulfilment) if run and is_running(run)), fulfilment or checkout)
    if owner is None:
        return Look(checkout_workflow_id(order_id), "CheckoutWorkflow", FORGOTTEN, related=under_way)
    return Look(
        workflow_id=owner.id,
        workflow_type=owner.workflow_type,
        status=owner.status.name.lower() if owner.status is not None else FORGOTTEN,
        run_id=owner.run_id,
        started_at=owner.start_time,
        waiting_for=attribute(owner, WAITING_FOR) if is_running(owner) else None,
        stuck_step=attribute(owner, STUCK_STEP) if is_running(owner) else None,
        problems=list(owner.typed_search_attributes.get(PROBLEMS) or ()),
        doing=await records.read(temporal, owner) if is_running(owner) else Doing(),
        related=[run for run in under_way if run.workflow_id != owner.id],
    )


async def describe(temporal: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """None for a workflow that was never started, or is forgotten."""
    try:
        return await temporal.get_workflow_handle(workflow_id).describe(rpc_timeout=PATIENCE)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return None


def is_running(described: WorkflowExecutionDescription) -> bool:
    return described.close_time is None


async def _under_way(temporal: Client, order_id: UUID) -> list[Run]:
    return [run async for run in finding.of_orders(temporal, [order_id])]


def web_ui_url(base: str, namespace: str, look: Look) -> str:
    run = f"/{look.run_id}/history" if look.run_id else ""
    return (
        f"{base.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows/{quote(look.workflow_id, safe='')}{run}"
    )
