"""Facts about carts."""

from domain.errors.facts import Fact


class CartEmpty(Fact):
    code = "cart-empty"
    title = "The cart is empty"


class CartTokenUnknown(Fact):
    code = "cart-token-unknown"
    title = "There is no cart with this X-Cart-Token"


class CartAlreadyOrdered(Fact):
    """`order_id` of the order that holds this cart."""

    code = "cart-already-ordered"
    title = "This cart was already ordered"


class CurrencyMismatch(Fact):
    code = "currency-mismatch"
    title = "The currencies differ"


class QuantityOutOfRange(Fact):
    code = "quantity-out-of-range"
    title = "A line has 1 to 999 units"


class TooManyLines(Fact):
    code = "too-many-lines"
    title = "The cart has too many lines"


class PriceChanged(Fact):
    """`expected_total` and `total`, both as money."""

    code = "price-changed"
    title = "The total has changed"
