"""What people are told, and which of an order's events tells them."""

from enum import StrEnum


class NoticeKind(StrEnum):
    ORDER_RECEIVED = "order_received"  # cash on delivery: the shop will call
    PAYMENT_ACTION_REQUIRED = "payment_action_required"  # the bank wants the shopper
    PAYMENT_FAILED = "payment_failed"  # another card may be tried
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_PROCESSING = "order_processing"
    ORDER_PART_SHIPPED = "order_part_shipped"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    ORDER_CANCELLED = "order_cancelled"
    REFUND_ISSUED = "refund_issued"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"
    RETURN_EXPIRED = "return_expired"
    # to staff
    COD_WAITING = "cod_waiting"
    RETURN_WAITING = "return_waiting"
    ORDER_STUCK = "order_stuck"
    STOCK_LOW = "stock_low"
    STOCK_OUT = "stock_out"


TO_STAFF = frozenset(
    {
        NoticeKind.COD_WAITING,
        NoticeKind.RETURN_WAITING,
        NoticeKind.ORDER_STUCK,
        NoticeKind.STOCK_LOW,
        NoticeKind.STOCK_OUT,
    }
)
"""Everybody of the staff has them in the inbox; the others are the customer's, by e-mail too where that is wanted."""

NOTICE_OF_EVENT = {
    "payment_failed": NoticeKind.PAYMENT_FAILED,
    "confirmed": NoticeKind.ORDER_CONFIRMED,
    "processing": NoticeKind.ORDER_PROCESSING,
    "part_shipped": NoticeKind.ORDER_PART_SHIPPED,
    "shipped": NoticeKind.ORDER_SHIPPED,
    "delivered": NoticeKind.ORDER_DELIVERED,
    "reminder_1": NoticeKind.COD_WAITING,
    "reminder_2": NoticeKind.COD_WAITING,
}
"""By the kind of an order's event: `services.orders.moving` tells of it in the transaction that writes the event."""
