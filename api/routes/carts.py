"""The caller's cart. Every answer has today's prices and what is left of each SKU."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.dependencies import CallerDep, ExpectedVersionDep, Resources, ResourcesDep
from api.idempotency import OptionalKeyDep, mark_replayed
from api.rendering import json_response
from api.schemas.carts import CartView, ItemChange, ItemToAdd
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import NotFound
from services import idempotency
from services.carts import Cart
from services.carts.store import Addition, KeyedRequest
from services.catalogue import selling
from services.idempotency import Use
from services.orders.requesting import fingerprint_of

router = APIRouter(prefix="/carts", tags=["carts"], responses=problems(s401=NOT_SIGNED_IN))

SkuPath = Annotated[str, Path(max_length=64)]
_CHANGES = problems(
    s404="There is no such SKU, or it is not in the cart.",
    s409="Not enough stock: `lines` says how much is left.",
    s412="The cart has changed since it was read.",
)


@router.post(
    "", operation_id="open_cart", summary="The active cart, or a new one", response_model=CartView, status_code=201
)
async def open_cart(caller: CallerDep, resources: ResourcesDep, key: OptionalKeyDep, request: Request) -> Response:
    if key:
        async with resources.database.transaction() as session:
            await idempotency.require_unused(session, caller.id, key, but=Use.CART)
    opened = await resources.carts.open_once(caller.id, key)
    if opened.was_replayed:
        mark_replayed(request)
    return await _show(resources, opened.cart, 201 if opened.is_new else 200)


@router.get("/current", operation_id="get_cart", summary="The active cart", response_model=CartView)
async def get_cart(caller: CallerDep, resources: ResourcesDep) -> Response:
    cart, _ = await resources.carts.open(caller.id)
    return await _show(resources, cart)


@router.delete(
    "/current",
    operation_id="delete_cart",
    summary="Forget the cart",
    status_code=204,
    responses=problems(s412="The cart has changed since it was read."),
)
async def delete_cart(caller: CallerDep, resources: ResourcesDep, expected: ExpectedVersionDep) -> None:
    await resources.carts.delete(caller.id, expected=expected)


@router.post(
    "/items", operation_id="add_to_cart", summary="Add units of a SKU", response_model=CartView, responses=_CHANGES
)
async def add_item(
    body: ItemToAdd,
    caller: CallerDep,
    resources: ResourcesDep,
    expected: ExpectedVersionDep,
    key: OptionalKeyDep,
    request: Request,
) -> Response:
    """Adds to what is there. With an Idempotency-Key the same request adds once."""
    keyed = KeyedRequest(key, fingerprint_of(body.model_dump())) if key else None
    try:
        async with resources.database.transaction() as session:
            if key:
                await idempotency.require_unused(session, caller.id, key, but=Use.CART)
            offer = await selling.offer(session, body.sku)
    except NotFound:
        answered = await resources.carts.answered(caller.id, keyed) if keyed else None
        if answered is None:
            raise
        mark_replayed(request)
        return await _show(resources, answered)
    addition = Addition(offer.sku, body.quantity, offer.price.currency, offer.available)
    cart, was_replayed = await resources.carts.add(caller.id, addition, expected=expected, request=keyed)
    if was_replayed:
        mark_replayed(request)
    return await _show(resources, cart)


@router.patch(
    "/items/{sku}",
    operation_id="change_cart_item",
    summary="Set the units of a line",
    response_model=CartView,
    responses=_CHANGES,
)
async def change_item(
    sku: SkuPath, body: ItemChange, caller: CallerDep, resources: ResourcesDep, expected: ExpectedVersionDep
) -> Response:
    async with resources.database.transaction() as session:
        offer = await selling.offer(session, sku)
    cart = await resources.carts.set_quantity(caller.id, sku, body.quantity, offer.available, expected=expected)
    return await _show(resources, cart)


@router.delete(
    "/items/{sku}",
    operation_id="remove_cart_item",
    summary="Take a line out",
    response_model=CartView,
    responses=_CHANGES,
)
async def remove_item(
    sku: SkuPath, caller: CallerDep, resources: ResourcesDep, expected: ExpectedVersionDep
) -> Response:
    cart = await resources.carts.set_quantity(caller.id, sku, 0, 0, expected=expected)
    return await _show(resources, cart)


async def _show(resources: Resources, cart: Cart, status: int = 200) -> Response:
    offers: dict[str, selling.Offer] = {}
    if cart.quantities:
        async with resources.database.transaction() as session:
            offers = await selling.offers(session, cart.quantities)
    return json_response(CartView.of(cart, offers), status, headers={"ETag": f'"{cart.version}"'})
