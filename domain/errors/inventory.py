"""Facts about stock."""

from domain.errors.facts import Fact


class OutOfStock(Fact):
    """`lines`: [{sku, requested, available}]"""

    code = "out-of-stock"
    title = "Not enough stock"


class BelowReserved(Fact):
    """`lines`: [{sku, location, on_hand, reserved, delta}]"""

    code = "below-reserved"
    title = "Stock cannot fall below what orders hold"


class StockChanged(Fact):
    """`on_hand` at the `location` now, and `expected_on_hand`."""

    code = "stock-changed"
    title = "The stock is not what it was expected to be"


class TooManyUnits(Fact):
    """`most` units on one shelf, and `lines` as those of BelowReserved."""

    code = "too-many-units"
    title = "More units than a shelf can have"


class LocationTaken(Fact):
    code = "location-taken"
    title = "There is a location with this code"


class StockSessionClosed(Fact):
    """`session_status`: applied or discarded."""

    code = "stock-session-closed"
    title = "The session is closed"


class StockSessionFull(Fact):
    """`most` lines in one session."""

    code = "stock-session-full"
    title = "The session has too many lines"
