"""The lines of a cart. A change is three round trips: the gate, which brings the cart; the offers; the change."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.dependencies import ExpectedVersionDep, ResourcesDep
from api.gate import asks
from api.idempotency import mark_replayed
from api.routes.carts.showing import Offers, show
from api.schemas.carts import CartView, ItemChange, ItemToAdd
from api.schemas.common import problems
from api.shoppers import CartKeyDep, CartSeenDep, ReturningShopperDep, ShopperDep, for_the_cart
from domain.errors import CartTokenUnknown, CurrencyMismatch, NotFound, OutOfStock, QuantityOutOfRange, TooManyLines
from services.carts import Cart, KeyedRequest, Line
from services.orders.requesting import fingerprint_of

router = APIRouter()

SkuPath = Annotated[str, Path(max_length=64)]

_STALE = problems(s412="The cart has changed since it was read.")
_NOT_ENOUGH = "Not enough stock: `lines` says how much is left."


@router.post(
    "/items",
    operation_id="add_to_cart",
    summary="Add units of a SKU",
    response_model=CartView,
    responses=problems(
        OutOfStock, NotFound, CartTokenUnknown, CurrencyMismatch, QuantityOutOfRange, TooManyLines,
        s404="There is no such SKU, or no cart with this token.", s409=_NOT_ENOUGH,
    ) | _STALE,
)  # fmt: skip
@asks(for_the_cart)
async def add_item(
    body: ItemToAdd,
    shopper: ShopperDep,
    seen: CartSeenDep,
    resources: ResourcesDep,
    expected: ExpectedVersionDep,
    key: CartKeyDep,
    request: Request,
) -> Response:
    """Adds to what is there, and opens a cart where there is none. With an Idempotency-Key the same request adds
    once."""
    offers = Offers(resources.database)
    line = await _line(offers, seen, body.sku, body.quantity)
    keyed = KeyedRequest(key, fingerprint_of(body.model_dump())) if key else None
    cart, was_replayed = await resources.carts.add(shopper.owner, line, expected=expected, request=keyed)
    if was_replayed:
        mark_replayed(request)
    return await show(shopper, cart, offers)


@router.patch(
    "/items/{sku}",
    operation_id="change_cart_item",
    summary="Set the units of a line",
    response_model=CartView,
    responses=problems(
        OutOfStock, NotFound, CartTokenUnknown, CurrencyMismatch,
        s404="The SKU is not sold or not in the cart, or there is no cart with this token.", s409=_NOT_ENOUGH,
    ) | _STALE,
)  # fmt: skip
@asks(for_the_cart)
async def change_item(
    sku: SkuPath,
    body: ItemChange,
    shopper: ReturningShopperDep,
    seen: CartSeenDep,
    resources: ResourcesDep,
    expected: ExpectedVersionDep,
) -> Response:
    """The line has today's price from then on: it no longer says `price-changed`."""
    offers = Offers(resources.database)
    line = await _line(offers, seen, sku, body.quantity)
    cart = await resources.carts.set_quantity(shopper.owner, line, expected=expected)
    return await show(shopper, cart, offers)


@router.delete(
    "/items/{sku}",
    operation_id="remove_cart_item",
    summary="Take a line out",
    response_model=CartView,
    responses=problems(
        NotFound, CartTokenUnknown, s404="The SKU is not in the cart, or there is no cart with this token."
    )
    | _STALE,
)
async def remove_item(
    sku: SkuPath, shopper: ReturningShopperDep, resources: ResourcesDep, expected: ExpectedVersionDep
) -> Response:
    cart = await resources.carts.remove(shopper.owner, sku, expected=expected)
    return await show(shopper, cart, Offers(resources.database))


async def _line(offers: Offers, seen: Cart | None, sku: str, quantity: int) -> Line:
    """With the offers of the whole cart, in one query."""
    offer = (await offers.of({sku, *(seen.quantities if seen else ())})).get(sku)
    if offer is None or not offer.sold:
        return Line(sku, quantity, None, 0)
    return Line(sku, quantity, offer.price, offer.available)
