"""How an order is answered: whole with its ETag, or 202 while there is none to show yet."""

from uuid import UUID

from fastapi import Request, Response

from api.rendering import json_response
from api.schemas.orders import OrderPending, OrderView
from core.database import Database
from domain.errors import NotFound
from domain.orders import checkout_workflow_id
from services.orders import reading
from services.orders.reading import Viewer, WholeOrder


def order_path(request: Request, order_id: UUID) -> str:
    """The order's path under the prefix that the request came in by."""
    prefix = request.url.path.split("/orders", 1)[0]
    return f"{prefix}/orders/{order_id}"


def show(request: Request, whole: WholeOrder, status: int = 200) -> Response:
    """The ETag is the body's: the payment moves without a new version of the order."""
    headers = {"Location": order_path(request, whole.order.id)}
    return json_response(OrderView.of(whole), status, headers=headers, is_tagged=True)


async def show_now(database: Database, request: Request, order_id: UUID, viewer: Viewer) -> Response:
    """As the order stands. Raises NotFound."""
    async with database.reading() as session:
        whole = await reading.one(session, order_id, viewer)
    if whole is None:
        raise NotFound("There is no such order yet.")
    return show(request, whole)


def show_pending(request: Request, order_id: UUID, status: str) -> Response:
    body = OrderPending(id=order_id, status=status, workflow_id=checkout_workflow_id(order_id))
    headers = {"Location": order_path(request, order_id), "Retry-After": "1"}
    return json_response(body, 202, headers=headers)
