"""A cart with what its SKUs cost and how many of them are left, at this moment."""

from collections.abc import Iterable, Mapping, Sequence

from fastapi import Response

from api.rendering import json_response
from api.schemas.carts import CartView
from api.shoppers import Shopper
from core.database import Database
from services.carts import Cart, LeftOut
from services.catalogue import selling
from services.catalogue.selling import Offer


class Offers:
    """Asks for each SKU once in a request. What somebody else put into the cart meanwhile takes another query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Offer | None] = {}

    async def of(self, skus: Iterable[str]) -> Mapping[str, Offer]:
        """An unknown SKU is absent."""
        if missing := [sku for sku in skus if sku not in self._known]:
            async with self._database.reading() as session:
                found = await selling.offers(session, missing)
            self._known |= {sku: found.get(sku) for sku in missing}
        return {sku: offer for sku, offer in self._known.items() if offer is not None}


async def show(
    shopper: Shopper, cart: Cart, offers: Offers, status: int = 200, *, left_out: Sequence[LeftOut] = ()
) -> Response:
    view = CartView.of(cart, await offers.of(cart.quantities), token=shopper.token, left_out=left_out)
    return json_response(view, status, headers={"ETag": f'"{cart.version}"'})
