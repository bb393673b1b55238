"""The states of an order and the moves between them, as the contract's table has them."""

from enum import StrEnum
from uuid import UUID, uuid5

from domain.errors import NotAllowedInState

_ORDER_NAMESPACE = UUID("6f0a3f6e-9a0b-5d5c-8f0f-0c6a1d1f7a11")


class PaymentMethod(StrEnum):
    CARD = "card"
    COD = "cod"


class OrderStatus(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PENDING_CONFIRMATION = "pending_confirmation"
    PAYMENT_FAILED = "payment_failed"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class ReservationStatus(StrEnum):
    """`NONE` until the stock is held; an undo that comes first leaves `RELEASED`, so that a late hold cannot apply."""

    NONE = "none"
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


class CaptureAt(StrEnum):
    """When the money that was set aside is taken."""

    CONFIRMATION = "confirmation"
    SHIPPING = "shipping"


class RefundStatus(StrEnum):
    PENDING = "pending"  # claimed, and on its way
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the provider refused it: what it claimed is free again


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    RECEIVED = "received"  # the goods are back; the money is on its way, or there is none to give
    REFUNDED = "refunded"
    REJECTED = "rejected"
    EXPIRED = "expired"  # its deadline passed: the units may be returned anew


class PaymentStatus(StrEnum):
    NOT_REQUIRED_YET = "not_required_yet"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


MONEY_TAKEN = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED})
"""States of a payment that was captured: none of them leads back to before."""

_S = OrderStatus
MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PENDING_PAYMENT: frozenset({_S.CONFIRMED, _S.PAYMENT_FAILED, _S.CANCELLED}),
    _S.PENDING_CONFIRMATION: frozenset({_S.CONFIRMED, _S.CANCELLED}),
    _S.PAYMENT_FAILED: frozenset({_S.PENDING_PAYMENT, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.PROCESSING, _S.CANCELLED}),
    _S.PROCESSING: frozenset({_S.SHIPPED, _S.CANCELLED}),
    _S.SHIPPED: frozenset({_S.DELIVERED, _S.CANCELLED}),
    _S.DELIVERED: frozenset({_S.REFUNDED}),
    _S.CANCELLED: frozenset(),
    _S.REFUNDED: frozenset(),
}

CANCELLABLE = frozenset(status for status, ends in MOVES.items() if _S.CANCELLED in ends)

FIRST_STATUS = {
    PaymentMethod.CARD: OrderStatus.PENDING_PAYMENT,
    PaymentMethod.COD: OrderStatus.PENDING_CONFIRMATION,
}

PENDING = frozenset({_S.PENDING_PAYMENT, _S.PENDING_CONFIRMATION, _S.PAYMENT_FAILED})
"""States in which the order's checkout is still open and its stock is only held."""


class CancelReason(StrEnum):
    """Why an order ended as `cancelled`: the contract's error codes where the checkout was refused."""

    OUT_OF_STOCK = "out-of-stock"
    PAYMENT_DECLINED = "payment-declined"
    PAYMENT_TOKEN_UNKNOWN = "payment-token-unknown"  # noqa: S105 — an error code
    PAYMENT_REFUSED = "payment-refused"
    EXPIRED = "hold-expired"
    REJECTED = "cod-rejected"
    CANCELLED = "order-cancelled"


def require_move(start: OrderStatus, to: OrderStatus) -> None:
    """Raises NotAllowedInState unless the contract's table has this move."""
    if to not in MOVES[start]:
        raise NotAllowedInState(f"An order that is {start} cannot become {to}.", order_status=start.value)


def order_id_for(caller: UUID, idempotency_key: str) -> UUID:
    """The order's id follows from who clicked and the click's key: the same click can only meet the same order."""
    return uuid5(_ORDER_NAMESPACE, f"{caller}:{idempotency_key}")


RETURN_MOVES: dict[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.REQUESTED: frozenset({ReturnStatus.APPROVED, ReturnStatus.REJECTED, ReturnStatus.EXPIRED}),
    ReturnStatus.APPROVED: frozenset({ReturnStatus.RECEIVED, ReturnStatus.EXPIRED}),
    ReturnStatus.RECEIVED: frozenset({ReturnStatus.REFUNDED}),
    ReturnStatus.REFUNDED: frozenset(),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.EXPIRED: frozenset(),
}

OWNED_BY_FULFILMENT = frozenset({_S.CONFIRMED, _S.PROCESSING, _S.SHIPPED})
"""States in which the next message goes to the order's fulfilment, once its checkout has closed."""


def checkout_workflow_id(order_id: UUID | str) -> str:
    return f"checkout-{order_id}"


def fulfilment_workflow_id(order_id: UUID | str) -> str:
    return f"fulfilment-{order_id}"


def refund_workflow_id(refund_id: UUID | str) -> str:
    return f"refund-{refund_id}"


def return_workflow_id(return_id: UUID | str) -> str:
    return f"return-{return_id}"
