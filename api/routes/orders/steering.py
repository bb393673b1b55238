"""For staff: what an order's workflow is doing, and telling it to go on or to wait."""

from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, Resources, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import OrderDeciderDep, OrderReaderDep
from api.rendering import json_response
from api.schemas.common import problems
from api.schemas.steering.acting import ExtendHoldBody, RetryBody
from api.schemas.steering.looking import WorkflowView
from api.steering import acting
from api.steering.looking import look, web_ui_url
from domain.errors import NotAllowedInState
from domain.messages.steering import ExtendHold
from services.orders import reading
from services.orders.reading import Viewer

router = APIRouter()


@router.get(
    "/{order_id}/workflow",
    operation_id="get_order_workflow",
    summary="What the order's workflow is doing: its step, its last error, its timers, what it waits for",
    response_model=WorkflowView,
    responses=problems(s403="Only staff see this.", s404="There is no such order."),
)
async def get_workflow(order_id: UUID, staff: OrderReaderDep, resources: ResourcesDep) -> Response:
    """Read from Temporal's own records, so that it answers while no worker does."""
    return await _show(resources, order_id, Viewer(staff.id, is_staff=True))


@router.post(
    "/{order_id}/retry",
    status_code=202,
    operation_id="retry_order",
    summary="Run what is stuck now, without waiting for its next try",
    response_model=WorkflowView,
    responses=problems(
        NotAllowedInState,
        s403="Only staff decide.",
        s404="There is no such order.",
        s409="Nothing of this order is stuck.",
    ),
)
async def retry(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: RetryBody | None = None,
) -> Response:  # fmt: skip
    """The order's workflow, and its returns and refunds, each where it is stuck."""
    viewer = Viewer(staff.id, is_staff=True)
    reason = body.reason if body else None
    if await acting.retry(resources.database, resources.temporal, order_id, reason, keyed, actor, viewer):
        mark_replayed(request)
    return await _show(resources, order_id, viewer, 202)


@router.post(
    "/{order_id}/extend-hold",
    operation_id="extend_order_hold",
    summary="Hold the stock of a pending order for longer: at most seven days from now",
    response_model=WorkflowView,
    responses=problems(
        NotAllowedInState,
        s403="Only staff decide.",
        s404="There is no such order.",
        s409="The order holds nothing, or would for more than seven days from now.",
    ),
)
async def extend_hold(
    order_id: UUID, body: ExtendHoldBody, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep,
    keyed: KeyedDep, request: Request,
) -> Response:  # fmt: skip
    """The minutes are added to what is left."""
    viewer = Viewer(staff.id, is_staff=True)
    extension = ExtendHold(body.minutes, str(staff.id), body.reason)
    if await acting.extend_hold(resources.database, resources.temporal, order_id, extension, keyed, actor, viewer):
        mark_replayed(request)
    return await _show(resources, order_id, viewer)


async def _show(resources: Resources, order_id: UUID, viewer: Viewer, status: int = 200) -> Response:
    async with resources.database.reading() as session:
        whole = await reading.one(session, order_id, viewer)
        stands = whole.order.status if whole else await reading.first_status(session, order_id)
    seen = await look(resources.temporal, order_id)
    url_of = partial(web_ui_url, resources.settings.temporal_web_url, resources.temporal.namespace)
    view = WorkflowView.of(order_id, whole.order.number if whole else None, stands, seen, url_of)
    return json_response(view, status, is_tagged=True)
