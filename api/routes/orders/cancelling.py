"""Cancelling an order: its owner until it is shipped, staff until it is delivered."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.cancelling import cancel
from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import OwnerOrDeciderDep
from api.routes.orders.showing import show_now
from api.schemas.common import problems
from api.schemas.fulfilment import CancelBody
from api.schemas.orders import OrderView
from domain.errors import NotAllowedInState

router = APIRouter()


@router.post(
    "/{order_id}/cancel",
    operation_id="cancel_order",
    summary="Cancel an order: money and stock are back when this answers",
    response_model=OrderView,
    responses=problems(
        NotAllowedInState,
        s404="There is no such order of yours.",
        s409="The order is over, or already shipped.",
        s503="It goes on by itself: look at the order again.",
    ),
)
async def cancel_order(
    order_id: UUID, body: CancelBody, viewer: OwnerOrDeciderDep, actor: ActorDep, resources: ResourcesDep,
    keyed: KeyedDep, request: Request,
) -> Response:  # fmt: skip
    if await cancel(
        resources.database, resources.temporal, resources.fulfilments, order_id, viewer, body.reason, keyed, actor
    ):
        mark_replayed(request)
    return await show_now(resources.database, request, order_id, viewer)
