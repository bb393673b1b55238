"""Orders: one's own, or all of them for staff."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import ReadingDep, ViewerDep
from api.pagination import PageDep, cut
from api.routes.orders.showing import show, show_pending
from api.schemas.common import problems
from api.schemas.orders import EventView, OrderPage, OrderPending, OrderView, Timeline
from domain.orders import OrderStatus
from services.orders import reading

router = APIRouter()


@router.get("", operation_id="list_orders", summary="The newest orders first")
async def list_orders(
    viewer: ViewerDep,
    session: ReadingDep,
    page: PageDep,
    status: Annotated[OrderStatus | None, Query(description="Only orders in this state.")] = None,
) -> OrderPage:
    rows = await reading.page(session, viewer, status, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.order.placed_at, row.order.id))
    return OrderPage(items=[OrderView.of(whole) for whole in shown], next_cursor=following)


@router.get(
    "/{order_id}",
    operation_id="get_order",
    summary="One order",
    response_model=OrderView,
    responses={
        202: {"model": OrderPending, "description": "Asked for and not placed yet: look again after `Retry-After`."},
        **problems(s404="There is no such order of yours."),
    },
)
async def get_order(order_id: UUID, viewer: ViewerDep, session: ReadingDep, request: Request) -> Response:
    whole = await reading.one(session, order_id, viewer)
    if whole is None:
        return show_pending(request, order_id, await reading.first_status(session, order_id))
    return show(request, whole)


@router.get(
    "/{order_id}/timeline",
    operation_id="get_order_timeline",
    summary="Everything that happened to the order, oldest first",
    responses=problems(s404="There is no such order of yours."),
)
async def get_timeline(order_id: UUID, viewer: ViewerDep, session: ReadingDep) -> Timeline:
    events = await reading.timeline(session, order_id, viewer)
    return Timeline(items=[EventView.of(event) for event in events])
