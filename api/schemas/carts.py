"""Carts, priced anew on every read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.common import Body, Money, Sku
from domain import money
from domain.pricing import PricedLine, Totals, totals
from services.carts import Cart
from services.catalogue.selling import Offer

DEFAULT_CURRENCY = "USD"
"""Of the zero totals of an empty cart, which has no currency yet."""

Units = Annotated[int, Field(ge=1, le=999, strict=True, examples=[2])]


class ItemToAdd(Body):
    sku: Annotated[Sku, Field(examples=["TEE-BASIC-BLACK-M"])]
    quantity: Units


class ItemChange(Body):
    quantity: Units


class ProblemOfCart(BaseModel):
    """What changed since the line was added: `out-of-stock` or `no-longer-sold`."""

    code: str
    detail: str


class ItemView(BaseModel):
    sku: str
    product_id: UUID | None
    name: str
    quantity: int
    unit_price: Money | None
    line_total: Money | None
    available: int
    problems: list[ProblemOfCart]


class TotalsView(BaseModel):
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money

    @classmethod
    def of(cls, cost: Totals) -> "TotalsView":
        return cls(
            subtotal=Money.of(cost.subtotal),
            discount=Money.of(cost.discount),
            shipping=Money.of(cost.shipping),
            tax=Money.of(cost.tax),
            total=Money.of(cost.total),
        )


class CartView(BaseModel):
    id: UUID
    version: int
    items: list[ItemView]
    totals: TotalsView
    problems: list[ProblemOfCart]
    expires_at: datetime

    @classmethod
    def of(cls, cart: Cart, offers: Mapping[str, Offer]) -> "CartView":
        """Lines that are no longer sold stay in view, priced at nothing."""
        items = [_item(sku, quantity, offers.get(sku), cart.currency) for sku, quantity in cart.quantities.items()]
        sold = [
            PricedLine(sku, str(offers[sku].product_id), offers[sku].name, quantity, offers[sku].price)
            for sku, quantity in cart.quantities.items()
            if sku in offers and offers[sku].is_sold_in(cart.currency)
        ]
        return cls(
            id=cart.id,
            version=cart.version,
            items=items,
            totals=TotalsView.of(totals(sold, cart.currency or DEFAULT_CURRENCY)),
            problems=[problem for item in items for problem in item.problems],
            expires_at=cart.expires_at,
        )


def _item(sku: str, quantity: int, offer: Offer | None, currency: str | None) -> ItemView:
    problems = []
    is_sold = offer is not None and offer.is_sold_in(currency)
    if offer is None or not is_sold:
        problems.append(ProblemOfCart(code="no-longer-sold", detail=f"{sku} is no longer sold."))
    elif offer.available < quantity:
        detail = f"Only {max(offer.available, 0)} of {sku} are left."
        problems.append(ProblemOfCart(code="out-of-stock", detail=detail))
    total: money.Money | None = offer.price * quantity if offer else None
    return ItemView(
        sku=sku,
        product_id=offer.product_id if offer else None,
        name=offer.name if offer else sku,
        quantity=quantity,
        unit_price=Money.of(offer.price) if offer else None,
        line_total=Money.of(total) if total else None,
        available=max(offer.available, 0) if offer and is_sold else 0,
        problems=problems,
    )
