"""What can go wrong, named as facts. No HTTP here: `api/problems.py` alone knows statuses.

`code` is the stable kebab-case name that crosses into workflows and out to clients; `facts` is what the
error knows, JSON only and never personal: it may be read in the Temporal Web UI.
"""

from typing import Any, ClassVar


class Fact(Exception):
    """A refusal that retrying cannot change."""

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class OutOfStock(Fact):
    """`lines`: [{sku, requested, available}]"""

    code = "out-of-stock"
    title = "Not enough stock"


class PaymentDeclined(Fact):
    """`decline_code`: the provider's word, such as insufficient_funds."""

    code = "payment-declined"
    title = "The payment was declined"


class PaymentTokenUnknown(Fact):
    code = "payment-token-unknown"
    title = "The payment token is not known to the provider"


class PaymentRefused(Fact):
    """The provider refuses the request itself: not a matter of the card, and repeating it changes nothing."""

    code = "payment-refused"
    title = "The payment provider refused the request"


class PriceChanged(Fact):
    """`expected_total` and `total`, both as money."""

    code = "price-changed"
    title = "The total has changed"


class CartEmpty(Fact):
    code = "cart-empty"
    title = "The cart is empty"


class CartAlreadyOrdered(Fact):
    """`order_id` of the order that holds this cart."""

    code = "cart-already-ordered"
    title = "This cart was already ordered"


class CurrencyMismatch(Fact):
    code = "currency-mismatch"
    title = "A cart has one currency"


class QuantityOutOfRange(Fact):
    code = "quantity-out-of-range"
    title = "A line has 1 to 999 units"


class TooManyLines(Fact):
    code = "too-many-lines"
    title = "The cart has too many lines"


class KeyReused(Fact):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used with another body"


class KeyInUse(Fact):
    code = "idempotency-key-in-use"
    title = "A request with this Idempotency-Key is still running"


class KeyMissing(Fact):
    code = "idempotency-key-missing"
    title = "An Idempotency-Key of 16 to 255 printable characters is needed"


class NotAllowedInState(Fact):
    """`order_status`: where the order is; the move asked for starts somewhere else."""

    code = "not-allowed-in-state"
    title = "The order's state does not allow this"


class Stale(Fact):
    code = "stale"
    title = "The resource has changed since it was read"


class NotFound(Fact):
    code = "not-found"
    title = "There is no such resource"


class NotSignedIn(Fact):
    code = "not-signed-in"
    title = "A valid access token is needed"


class WrongCredentials(Fact):
    code = "wrong-credentials"
    title = "The e-mail address or the password is wrong"


class Forbidden(Fact):
    code = "forbidden"
    title = "This needs another role"


class InvalidCursor(Fact):
    code = "invalid-cursor"
    title = "The cursor is not one that this list gave out"


class WebhookRefused(Fact):
    code = "webhook-refused"
    title = "The webhook's signature does not hold"


class OrderCancelled(Fact):
    code = "order-cancelled"
    title = "The order was cancelled"


class HoldExpired(Fact):
    code = "hold-expired"
    title = "The hold on the stock ran out"


class CodRejected(Fact):
    code = "cod-rejected"
    title = "The order was rejected"


class Unavailable(Exception):
    """Something we depend on is away for now: the same request may succeed later. `retry_after` in seconds."""

    code: ClassVar[str] = "unavailable"
    title: ClassVar[str] = "Temporarily unavailable"

    def __init__(self, detail: str = "", retry_after: int = 2) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
