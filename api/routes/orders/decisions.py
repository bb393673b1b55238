"""What staff decide about a cash-on-delivery order: the same messages as `confirm_cod` and `reject_cod`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.decisions import decide_cod
from api.dependencies import ActorDep, Resources, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import OrderDeciderDep
from api.routes.orders.showing import show
from api.schemas.common import problems
from api.schemas.orders import NoteBody, OrderView
from domain.errors import NotAllowedInState, NotFound
from domain.messages.checkout import CodDecision
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import reading
from services.orders.reading import Viewer

router = APIRouter()

_PROBLEMS = problems(
    NotAllowedInState,
    s403="Only staff decide.",
    s404="There is no such order.",
    s409="The order waits for no decision.",
)


@router.post(
    "/{order_id}/confirm",
    operation_id="confirm_order",
    summary="Confirm a cash-on-delivery order",
    response_model=OrderView,
    responses=_PROBLEMS,
)
async def confirm(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: NoteBody | None = None,
) -> Response:  # fmt: skip
    decision = CodDecision(confirm=True, by=str(staff.id), note=body.note if body else None)
    return await _decide(resources, request, actor, order_id, decision, keyed)


@router.post(
    "/{order_id}/reject",
    operation_id="reject_order",
    summary="Reject a cash-on-delivery order: its stock is back when this answers",
    response_model=OrderView,
    responses=_PROBLEMS,
)
async def reject(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: NoteBody | None = None,
) -> Response:  # fmt: skip
    decision = CodDecision(confirm=False, by=str(staff.id), note=body.note if body else None)
    return await _decide(resources, request, actor, order_id, decision, keyed)


async def _decide(
    resources: Resources,
    request: Request,
    actor: Actor,
    order_id: UUID,
    decision: CodDecision,
    keyed: KeyedRequest | None,
) -> Response:
    viewer = Viewer(UUID(decision.by), is_staff=True)
    if await decide_cod(resources.database, resources.temporal, order_id, decision, keyed, actor):
        mark_replayed(request)
    async with resources.database.transaction() as session:
        whole = await reading.one(session, order_id, viewer)
    if whole is None:
        raise NotFound("There is no such order yet.")
    return show(request, whole)
