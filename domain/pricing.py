"""What a cart or an order costs. Prices include tax and shipping is free; the other totals await their rules."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.money import Money


@dataclass(frozen=True)
class PricedLine:
    """One SKU with its price at this moment. `quantity` in units."""

    sku: str
    product_id: str
    name: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Totals:
    """total = subtotal − discount + shipping + tax, all in one currency."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount + self.shipping + self.tax


def totals(lines: Iterable[PricedLine], currency: str) -> Totals:
    """Raises ValueError when a line is in another currency."""
    nothing = Money(0, currency)
    return Totals(sum((line.total for line in lines), nothing), nothing, nothing, nothing)
