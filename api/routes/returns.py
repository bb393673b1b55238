"""Returns: one's own, or all of them for staff, who decide about them and take the goods back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import ActorDep, ReadingDep, Resources, ResourcesDep, ViewerDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.policies import OrderDeciderDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.orders import NoteBody
from api.schemas.returns import ReceiveBody, ReturnPage, ReturnView
from domain.errors import NotAllowedInState, TooManyUnits
from domain.messages.returns import DecideReturn, ReturnDecision
from domain.orders import ReturnStatus
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders.reading import Viewer
from services.returns import reading
from services.returns.reading import ReturnFilter, WholeReturn

router = APIRouter(prefix="/returns", tags=["returns"], responses=problems(s401=NOT_SIGNED_IN))

_PROBLEMS = problems(
    NotAllowedInState,
    s403="Only staff decide.",
    s404="There is no such return.",
    s409="The return does not wait for this: `return_status` says where it is.",
)


def show(request: Request, whole: WholeReturn, status: int = 200) -> Response:
    """The ETag is the body's: the refund moves without a new version of the return."""
    prefix = request.url.path.split("/orders", 1)[0].split("/returns", 1)[0]
    headers = {"Location": f"{prefix}/returns/{whole.row.id}"}
    return json_response(ReturnView.of(whole), status, headers=headers, is_tagged=True)


@router.get("", operation_id="list_returns", summary="The newest returns first: one's own, or everybody's for staff")
async def list_returns(
    viewer: ViewerDep,
    session: ReadingDep,
    page: PageDep,
    status: Annotated[ReturnStatus | None, Query(description="Only returns in this state.")] = None,
) -> ReturnPage:
    rows = await reading.page(session, viewer, ReturnFilter(status=status), page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda whole: (whole.row.created_at, whole.row.id))
    return ReturnPage(items=[ReturnView.of(whole) for whole in shown], next_cursor=following)


@router.get(
    "/{return_id}",
    operation_id="get_return",
    summary="One return",
    response_model=ReturnView,
    responses=problems(s404="There is no such return of yours."),
)
async def get_return(return_id: UUID, viewer: ViewerDep, session: ReadingDep, request: Request) -> Response:
    return show(request, await reading.one(session, return_id, viewer))


@router.post(
    "/{return_id}/approve",
    operation_id="approve_return",
    summary="Approve a return: the goods may come",
    response_model=ReturnView,
    responses=_PROBLEMS,
)
async def approve(
    return_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: NoteBody | None = None,
) -> Response:  # fmt: skip
    decision = DecideReturn(ReturnDecision.APPROVE, str(staff.id), body.note if body else None)
    return await _decide(resources, request, actor, return_id, decision, keyed)


@router.post(
    "/{return_id}/reject",
    operation_id="reject_return",
    summary="Reject a return",
    response_model=ReturnView,
    responses=_PROBLEMS,
)
async def reject(
    return_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: NoteBody | None = None,
) -> Response:  # fmt: skip
    decision = DecideReturn(ReturnDecision.REJECT, str(staff.id), body.note if body else None)
    return await _decide(resources, request, actor, return_id, decision, keyed)


@router.post(
    "/{return_id}/receive",
    operation_id="receive_return",
    summary="The goods are back: restock them or write them off, and give their money back",
    response_model=ReturnView,
    responses={**_PROBLEMS, **problems(TooManyUnits)},
)
async def receive(
    return_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: ReceiveBody | None = None,
) -> Response:  # fmt: skip
    """Answers `refunded`, or `received` with the refund `pending` where the provider takes its time."""
    told = body or ReceiveBody()
    decision = DecideReturn(ReturnDecision.RECEIVE, str(staff.id), told.note, told.restock)
    return await _decide(resources, request, actor, return_id, decision, keyed)


async def _decide(
    resources: Resources,
    request: Request,
    actor: Actor,
    return_id: UUID,
    decision: DecideReturn,
    keyed: KeyedRequest | None,
) -> Response:
    if await resources.returns.decide(return_id, decision, keyed, actor):
        mark_replayed(request)
    async with resources.database.reading() as session:
        return show(request, await reading.one(session, return_id, Viewer(UUID(decision.by), is_staff=True)))
