"""One order's workflow, as staff see it: what owns the order, what it is doing, what else is under way for it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from api.steering import finding, records
from api.steering.finding import PATIENCE, attribute
from api.steering.records import Doing
from domain.orders import checkout_workflow_id, fulfilment_workflow_id
from workflows.attributes import STUCK_STEP, WAITING_FOR

PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FORGOTTEN = "forgotten"
MOST_BESIDE = 20
"""The newest of them: each costs two questions to Temporal."""


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
    related: list["Look"] = field(default_factory=list)


async def look(temporal: Client, order_id: UUID) -> Look:
    """At the workflow that owns the order: its fulfilment once there is one, unless the checkout still runs."""
    checkout, fulfilment, under_way = await asyncio.gather(
        describe(temporal, checkout_workflow_id(order_id)),
        describe(temporal, fulfilment_workflow_id(order_id)),
        _under_way(temporal, order_id),
    )
    owner = next((run for run in (checkout, fulfilment) if run and is_running(run)), fulfilment or checkout)
    owns = Look(checkout_workflow_id(order_id), "CheckoutWorkflow", FORGOTTEN)
    if owner is not None:
        owns = await _seen(temporal, owner)
    beside = [workflow_id for workflow_id in under_way if workflow_id != owns.workflow_id][:MOST_BESIDE]
    described = await asyncio.gather(*(describe(temporal, workflow_id) for workflow_id in beside))
    running = (_seen(temporal, run) for run in described if run and is_running(run))
    return replace(owns, related=await asyncio.gather(*running))


async def _seen(temporal: Client, run: WorkflowExecutionDescription) -> Look:
    return Look(
        workflow_id=run.id,
        workflow_type=run.workflow_type,
        status=run.status.name.lower() if run.status is not None else FORGOTTEN,
        run_id=run.run_id,
        started_at=run.start_time,
        waiting_for=attribute(run, WAITING_FOR) if is_running(run) else None,
        stuck_step=attribute(run, STUCK_STEP) if is_running(run) else None,
        problems=list(run.typed_search_attributes.get(PROBLEMS) or ()),
        doing=await records.read(temporal, run) if is_running(run) else Doing(),
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


async def _under_way(temporal: Client, order_id: UUID) -> list[str]:
    return [run.workflow_id async for run in finding.of_orders(temporal, [order_id])]


def web_ui_url(base: str, namespace: str, look: Look) -> str:
    run = f"/{look.run_id}/history" if look.run_id else ""
    return (
        f"{base.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows/{quote(look.workflow_id, safe='')}{run}"
    )
