"""Facts about orders and their payments."""

from domain.errors.facts import Fact


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


class NotAllowedInState(Fact):
    """`order_status`: where the order is; the move asked for starts somewhere else."""

    code = "not-allowed-in-state"
    title = "The order's state does not allow this"


class OrderCancelled(Fact):
    code = "order-cancelled"
    title = "The order was cancelled"


class HoldExpired(Fact):
    code = "hold-expired"
    title = "The hold on the stock ran out"


class CodRejected(Fact):
    code = "cod-rejected"
    title = "The order was rejected"
