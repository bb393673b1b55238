"""For staff: where the provider's journal and our books differ, and what was done about it."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.messaging import REPLY_DEADLINE
from api.pagination import PageDep, cut
from api.policies import OperatorDep, PaymentKeeperDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, Nothing, problems
from api.schemas.reconciliations import ReconciliationPage, ReconciliationReport, ReconciliationView
from domain.messages.reconciliation import ReconciliationInput, reconciliation_workflow_id
from services import audit
from services.idempotency import once
from services.reconciling import keeping
from workflows.reconciliation import ReconciliationWorkflow

router = APIRouter(
    prefix="/ops/reconciliations",
    tags=["operations"],
    responses=problems(s401=NOT_SIGNED_IN, s403="Only staff see this."),
)


@router.get("", operation_id="list_reconciliations", summary="Comparisons with the provider, the newest first")
async def list_reconciliations(operator: OperatorDep, resources: ResourcesDep, page: PageDep) -> ReconciliationPage:
    async with resources.database.reading() as session:
        rows = await keeping.page(session, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.started_at, row.id))
    return ReconciliationPage(items=[ReconciliationView.of(row) for row in shown], next_cursor=following)


@router.get(
    "/{reconciliation_id}",
    operation_id="get_reconciliation",
    summary="One comparison, with a page of what differed",
    response_model=ReconciliationReport,
    responses=problems(s404="There is no such reconciliation."),
)
async def get_reconciliation(
    reconciliation_id: UUID, operator: OperatorDep, resources: ResourcesDep, page: PageDep
) -> Response:
    async with resources.database.reading() as session:
        reconciliation = await keeping.get(session, reconciliation_id)
        rows = await keeping.differences(session, reconciliation_id, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.at, row.id))
    return json_response(ReconciliationReport.with_differences(reconciliation, shown, following), is_tagged=True)


@router.post(
    "",
    operation_id="reconcile_now",
    summary="Compare the provider's journal with our books now",
    status_code=202,
    response_model=ReconciliationView,
)
async def reconcile_now(
    keeper: PaymentKeeperDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep, request: Request,
    body: Nothing | None = None,
) -> Response:  # fmt: skip
    """It goes on by itself, and mends what is safe: look at the `Location` until it is finished."""
    async with resources.database.transaction() as session:

        async def make() -> UUID:
            reconciliation_id = uuid4()
            window = resources.settings.reconciliation_window
            await keeping.begin(session, reconciliation_id, resources.gateway.name, window)
            await audit.record(session, actor, "payments.reconcile", "reconciliation", reconciliation_id)
            return reconciliation_id

        made = await once(session, keyed, make)
        reconciliation = await keeping.get(session, UUID(made.resource))
    if made.was_replayed:
        mark_replayed(request)
    if reconciliation.finished_at is None:
        await _start(resources.temporal, resources.settings.task_queue, reconciliation.id)
    headers = {"Location": f"{request.url.path}/{reconciliation.id}"}
    return json_response(ReconciliationView.of(reconciliation), 202, headers=headers)


async def _start(temporal: Client, task_queue: str, reconciliation_id: UUID) -> None:
    try:
        await temporal.start_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(str(reconciliation_id)),
            id=reconciliation_workflow_id(reconciliation_id),
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary="Compare the provider's journal with our books",
            rpc_timeout=REPLY_DEADLINE,
        )
    except WorkflowAlreadyStartedError:  # by the request that this one repeats
        return
