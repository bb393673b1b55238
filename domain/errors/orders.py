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
    """The provider refuses the request itself: not a matter of the card, and repeating it changes nothing.

    `reason`: the provider's word, such as charge_disputed. Without one it does not say what became of the request.
    """

    code = "payment-refused"
    title = "The payment provider refused the request"


class NotAllowedInState(Fact):
    """`order_status`: where the order is; the move asked for starts somewhere else."""

    code = "not-allowed-in-state"
    title = "The order's state does not allow this"


class OverRefund(Fact):
    """`left`: the money that can still be given back."""

    code = "over-refund"
    title = "More than what is left of the payment"


class CancelInstead(Fact):
    code = "cancel-instead"
    title = "All of the money goes back by cancelling the order"


class OverShipment(Fact):
    """`lines`: [{sku, requested, left}]"""

    code = "over-shipment"
    title = "More than what is left to ship"


class OverReturn(Fact):
    """`lines`: [{sku, requested, left}]"""

    code = "over-return"
    title = "More than what can be returned"


class CashMismatch(Fact):
    """`due`: the money that the courier is to collect."""

    code = "cash-mismatch"
    title = "This is not the money that is due"


class OrderCancelled(Fact):
    code = "order-cancelled"
    title = "The order was cancelled"


class HoldExpired(Fact):
    code = "hold-expired"
    title = "The hold on the stock ran out"


class CodRejected(Fact):
    code = "cod-rejected"
    title = "The order was rejected"
