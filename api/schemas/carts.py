"""Carts, priced anew on every read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.common import Body, Money, Sku
from domain import money
from domain.errors import CurrencyMismatch, QuantityOutOfRange, TooManyLines
from domain.pricing import PricedLine, Totals, totals
from services.carts import Cart, LeftOut
from services.catalogue.selling import Offer

DEFAULT_CURRENCY = "USD"
"""Of the zero totals of an empty cart, which has no currency yet."""

Units = Annotated[int, Field(ge=1, le=999, strict=True, examples=[2])]


class ItemToAdd(Body):
    sku: Annotated[Sku, Field(examples=["TEE-BASIC-BLACK-M"])]
    quantity: Units


class ItemChange(Body):
    quantity: Units


class CartToMerge(Body):
    cart_token: Annotated[
        str, Field(min_length=1, max_length=200, examples=["Zk3qX0cP1m4VnYt7rB9sLwE2hD5gJ8uA6oI0fTzQxNc"])
    ]


def _is_none(value: object) -> bool:
    return value is None


class ProblemOfCart(BaseModel):
    """What stands against buying a line as it is: `out-of-stock` (`requested`, `available`), `no-longer-sold`, or
    `price-changed` (`was` when the line was last set, and `now`). After a merge also what stayed in the guest's cart:
    `quantity-out-of-range`, `too-many-lines` or `currency-mismatch` (`left_out`, in units).
    """

    code: str
    detail: str
    sku: str
    requested: Annotated[int | None, Field(exclude_if=_is_none)] = None
    available: Annotated[int | None, Field(exclude_if=_is_none)] = None
    was: Annotated[Money | None, Field(exclude_if=_is_none)] = None
    now: Annotated[Money | None, Field(exclude_if=_is_none)] = None
    left_out: Annotated[int | None, Field(exclude_if=_is_none)] = None


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
    cart_token: Annotated[
        str | None, Field(exclude_if=_is_none, description="A guest's alone: send it back as `X-Cart-Token`.")
    ] = None

    @classmethod
    def of(
        cls, cart: Cart, offers: Mapping[str, Offer], *, token: str | None = None, left_out: Sequence[LeftOut] = ()
    ) -> "CartView":
        """Lines that are no longer sold stay in view, without a price."""
        sold = {sku: offer for sku, offer in offers.items() if offer.is_sold_in(cart.currency)}
        items = [_item(cart, sku, sold.get(sku), offers.get(sku)) for sku in cart.quantities]
        lines = [
            PricedLine(sku, str(sold[sku].product_id), sold[sku].name, quantity, sold[sku].price)
            for sku, quantity in cart.quantities.items()
            if sku in sold
        ]
        return cls(
            id=cart.id,
            version=cart.version,
            items=items,
            totals=TotalsView.of(totals(lines, cart.currency or DEFAULT_CURRENCY)),
            problems=[problem for item in items for problem in item.problems] + [_stayed(left) for left in left_out],
            expires_at=cart.expires_at,
            cart_token=token,
        )


def _item(cart: Cart, sku: str, sold: Offer | None, known: Offer | None) -> ItemView:
    """`sold`: the offer, where it can be bought in this cart; `known`: also where it no longer can."""
    quantity = cart.quantities[sku]
    return ItemView(
        sku=sku,
        product_id=known.product_id if known else None,
        name=known.name if known else sku,
        quantity=quantity,
        unit_price=Money.of(sold.price) if sold else None,
        line_total=Money.of(sold.price * quantity) if sold else None,
        available=max(sold.available, 0) if sold else 0,
        problems=_problems(sku, quantity, sold, cart.prices_seen.get(sku)),
    )


def _problems(sku: str, quantity: int, sold: Offer | None, price_seen: int | None) -> list[ProblemOfCart]:
    if sold is None:
        return [ProblemOfCart(code="no-longer-sold", detail=f"{sku} is no longer sold.", sku=sku)]
    found = []
    left = max(sold.available, 0)
    if left < quantity:
        detail = f"Only {left} of {sku} are left."
        found.append(ProblemOfCart(code="out-of-stock", detail=detail, sku=sku, requested=quantity, available=left))
    if price_seen not in (None, sold.price.amount):
        was = money.Money(price_seen, sold.price.currency)
        detail = f"{sku} was {was} and is {sold.price} now."
        found.append(
            ProblemOfCart(code="price-changed", detail=detail, sku=sku, was=Money.of(was), now=Money.of(sold.price))
        )
    return found


def _stayed(left: LeftOut) -> ProblemOfCart:
    detail = f"{left.quantity} of {left.sku} stayed in the guest's cart: {_WHY[left.why]}."
    return ProblemOfCart(code=left.why, detail=detail, sku=left.sku, left_out=left.quantity)


_WHY = {
    QuantityOutOfRange.code: "a line has at most 999 units",
    TooManyLines.code: "the cart has as many lines as it can",
    CurrencyMismatch.code: "a cart has one currency",
}
