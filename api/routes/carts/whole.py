"""Opening, reading and forgetting a cart, and bringing a guest's into a user's."""

from fastapi import APIRouter, Request, Response

from api.dependencies import CallerDep, ExpectedVersionDep, ResourcesDep
from api.gate import asks
from api.idempotency import mark_replayed
from api.routes.carts.showing import Offers, show
from api.schemas.carts import CartToMerge, CartView
from api.schemas.common import problems
from api.shoppers import CartKeyDep, CartSeenDep, ReturningShopperDep, Shopper, ShopperDep, for_the_cart
from domain.errors import CartTokenUnknown
from services.carts import Guest, KeyedRequest
from services.orders.requesting import fingerprint_of

router = APIRouter()

_NO_CART = problems(CartTokenUnknown)


@router.post(
    "",
    operation_id="open_cart",
    summary="The active cart, or a new one",
    response_model=CartView,
    status_code=201,
    responses={**_NO_CART, 200: {"description": "The active cart.", "model": CartView}},
)
async def open_cart(shopper: ShopperDep, resources: ResourcesDep, key: CartKeyDep, request: Request) -> Response:
    """A guest's cart comes with a `cart_token`: whoever has it has the cart. Send it as `X-Cart-Token`."""
    opened = await resources.carts.open_once(shopper.owner, key)
    if opened.was_replayed:
        mark_replayed(request)
    return await show(shopper, opened.cart, Offers(resources.database), 201 if opened.is_new else 200)


@router.get("/current", operation_id="get_cart", summary="The active cart", response_model=CartView, responses=_NO_CART)
@asks(for_the_cart)
async def get_cart(shopper: ReturningShopperDep, seen: CartSeenDep, resources: ResourcesDep) -> Response:
    """A user always has a cart: where there is none it is opened, once. A guest opens one by `POST /carts`."""
    cart = seen or (await resources.carts.open(shopper.owner))[0]
    return await show(shopper, cart, Offers(resources.database))


@router.delete(
    "/current",
    operation_id="delete_cart",
    summary="Forget the cart",
    status_code=204,
    responses=_NO_CART | problems(s412="The cart has changed since it was read."),
)
async def delete_cart(shopper: ReturningShopperDep, resources: ResourcesDep, expected: ExpectedVersionDep) -> None:
    await resources.carts.delete(shopper.owner, expected=expected)


@router.post(
    "/merge",
    operation_id="merge_cart",
    summary="Move a guest's cart into the caller's",
    response_model=CartView,
    responses=_NO_CART | problems(s412="The cart has changed since it was read."),
)
async def merge_cart(
    body: CartToMerge,
    caller: CallerDep,
    resources: ResourcesDep,
    expected: ExpectedVersionDep,
    key: CartKeyDep,
    request: Request,
) -> Response:
    """Sent again, it moves nothing twice and answers the cart. What does not fit, beyond 999 units of a line, beyond
    the number of lines, or in another currency, stays in the guest's cart, and `problems` says so."""
    keyed = KeyedRequest(key, fingerprint_of(body.model_dump())) if key else None
    merged = await resources.carts.merge(caller.id, Guest.of(body.cart_token), expected=expected, request=keyed)
    if merged.was_replayed:
        mark_replayed(request)
    return await show(Shopper(caller.id), merged.cart, Offers(resources.database), left_out=merged.left_out)
