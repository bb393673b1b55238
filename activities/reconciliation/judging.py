"""Where an intent and our payment differ. The first difference that is found is told: what is mended is judged anew."""

from datetime import UTC, datetime, timedelta

from domain.messages.reconciliation import DifferenceKind
from domain.orders import OrderStatus, PaymentStatus
from gateways.payments import Intent, IntentStatus
from services.reconciling.reading import Own

LEFT_OVER_AFTER = timedelta(hours=1)
"""Long after the last attempt at storing an intent that was just made."""


def judge(theirs: Intent | None, ours: Own | None) -> DifferenceKind | None:
    """`ours` is the payment on this intent; where there is none, the one of the order that the intent names."""
    if theirs is None:
        return DifferenceKind.MISSING_THERE if ours else None
    if ours is None:
        return DifferenceKind.UNKNOWN_INTENT if holds_money(theirs) else None
    if ours.ref != theirs.ref:
        return _of_another_intent(theirs, ours)
    if theirs.order_id != ours.payment.order_id:
        return DifferenceKind.ORDER_DIFFERS
    return _of_money(theirs, ours) or _of_state(theirs, ours)


def holds_money(intent: Intent) -> bool:
    return intent.status is IntentStatus.AUTHORIZED or intent.captured.amount > intent.refunded.amount


def _of_another_intent(theirs: Intent, ours: Own) -> DifferenceKind | None:
    if holds_money(theirs):
        has_paid = ours.payment.status == PaymentStatus.AUTHORIZED or ours.captured.amount > 0
        return DifferenceKind.DOUBLE_CHARGE if has_paid else DifferenceKind.UNKNOWN_INTENT
    is_old = theirs.created is not None and theirs.created < datetime.now(UTC) - LEFT_OVER_AFTER
    return DifferenceKind.LEFTOVER_INTENT if theirs.status is IntentStatus.UNPAID and is_old else None


def _of_money(theirs: Intent, ours: Own) -> DifferenceKind | None:
    if theirs.amount != ours.amount or theirs.captured.amount not in (0, ours.amount.amount):
        return DifferenceKind.AMOUNT_DIFFERS
    if theirs.captured.amount > ours.captured.amount:
        is_kept = theirs.refunded != theirs.captured and ours.order_status is OrderStatus.CANCELLED
        return DifferenceKind.CAPTURED_FOR_CANCELLED if is_kept else DifferenceKind.CAPTURED_THERE
    if theirs.captured.amount < ours.captured.amount:
        return DifferenceKind.CAPTURED_HERE
    if theirs.refunded.amount > ours.refunded.amount:
        return DifferenceKind.REFUNDED_THERE
    return DifferenceKind.REFUNDED_HERE if theirs.refunded.amount < ours.refunded.amount else None


def _of_state(theirs: Intent, ours: Own) -> DifferenceKind | None:
    is_aside = theirs.status is IntentStatus.AUTHORIZED
    if is_aside and ours.order_status is OrderStatus.CANCELLED:
        return DifferenceKind.AUTHORISED_FOR_CANCELLED
    return DifferenceKind.STATE_DIFFERS if is_aside != (ours.payment.status == PaymentStatus.AUTHORIZED) else None
