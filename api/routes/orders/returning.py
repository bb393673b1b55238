"""What comes back of an order: asked for by its owner or staff, and read."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, ReadingDep, ResourcesDep, ViewerDep
from api.idempotency import RequiredKeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.policies import OwnerOrDeciderDep
from api.routes.returns import show
from api.schemas.common import problems
from api.schemas.returns import ReturnBody, ReturnPage, ReturnView
from domain.errors import NotAllowedInState, NotFound, OverReturn
from services.orders import reading as orders
from services.returns import reading
from services.returns.reading import ReturnFilter

router = APIRouter()


@router.post(
    "/{order_id}/returns",
    operation_id="request_return",
    summary="Ask to send goods of a delivered order back",
    status_code=201,
    response_model=ReturnView,
    responses=problems(
        NotAllowedInState,
        OverReturn,
        s404="There is no such order of yours.",
        s409="The order is not delivered, or was too long ago: `until`. Or more than its units: `lines`.",
    ),
)
async def request_return(
    order_id: UUID, owner: OwnerOrDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: RequiredKeyedDep,
    request: Request, body: ReturnBody,
) -> Response:  # fmt: skip
    """Staff then approve or reject it. Staff may also open one, approved already, for what was shipped of a cancelled
    order: its money is dealt with."""
    made = await resources.returns.request(order_id, owner, body.wish(), keyed, actor)
    if made.was_replayed:
        mark_replayed(request)
    async with resources.database.reading() as session:
        return show(request, await reading.one(session, UUID(made.resource), owner), 201)


@router.get(
    "/{order_id}/returns",
    operation_id="list_order_returns",
    summary="The returns of an order, the newest first",
    responses=problems(s404="There is no such order of yours."),
)
async def list_order_returns(order_id: UUID, viewer: ViewerDep, session: ReadingDep, page: PageDep) -> ReturnPage:
    if await orders.one(session, order_id, viewer) is None:
        raise NotFound("There is no such order yet.")
    rows = await reading.page(session, viewer, ReturnFilter(order_id=order_id), page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda whole: (whole.row.created_at, whole.row.id))
    return ReturnPage(items=[ReturnView.of(whole) for whole in shown], next_cursor=following)
