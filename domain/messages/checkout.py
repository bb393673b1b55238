"""The checkout's contract with Temporal: its ids, inputs, results and signals.

One object per call, so that fields can be added; every field that is added later needs a default, or old
histories stop replaying. Histories hold these in plain text: ids and facts only, never a person or a token.
"""

from dataclasses import dataclass, field
from typing import Any

from domain.orders import CaptureAt
from domain.text import is_storable

TASK_QUEUE = "checkout"
BY_TEMPORAL = "temporal"
"""Who sent a signal that names nobody: who may talk to Temporal has staff rights."""

NOTE_LIMIT = 500
NAME_LIMIT = 64


@dataclass(frozen=True)
class CheckoutInput:
    """All that a checkout needs to start; the rest stands in the request row of this order."""

    order_id: str


@dataclass(frozen=True)
class CheckoutResult:
    """How the checkout left the order."""

    order_id: str
    status: str
    cancel_reason: str | None = None


@dataclass(frozen=True)
class ReceiptInput:
    """`attempt` counts the cards tried on this order, from 1, which came with the checkout itself."""

    attempt: int = 1


@dataclass(frozen=True)
class Receipt:
    """What the shopper may be told: the order's status when it was first worth telling."""

    order_id: str
    status: str


@dataclass(frozen=True)
class Decision:
    """What staff (or the owner, for a cancellation) said, and who it was: a user's id or `temporal`."""

    by: str = BY_TEMPORAL
    note: str | None = None


@dataclass(frozen=True)
class CodDecision:
    """The answer to a cash-on-delivery order, sent as an update by the API so that staff see what it led to."""

    confirm: bool
    by: str
    note: str | None = None


@dataclass(frozen=True)
class Progress:
    """The query `progress`. `waiting_for` and `stuck_step` are also search attributes."""

    order_id: str
    order_number: str | None
    status: str | None
    step: str
    waiting_for: str | None
    stuck_step: str | None
    last_error: str | None


@dataclass(frozen=True)
class OrderStep:
    """The input of a step that needs nothing but its order."""

    order_id: str


@dataclass(frozen=True)
class Placement:
    """A placed order. Durations in seconds, from the settings of the moment it was placed; `hold_seconds` from now.

    `is_free` when there is nothing to pay: no provider is asked. `capture_at` is a CaptureAt.
    """

    order_number: str
    status: str
    payment_method: str
    hold_seconds: float
    stuck_after_seconds: float
    reminder_seconds: list[float] = field(default_factory=list)
    is_free: bool = False
    capture_at: str = CaptureAt.CONFIRMATION.value


@dataclass(frozen=True)
class AuthorisePayment:
    """`attempt` counts the cards tried on this order, from 1."""

    order_id: str
    attempt: int


@dataclass(frozen=True)
class PaymentOutcome:
    """`status` is a PaymentStatus: authorized, requires_action, failed, captured or voided."""

    status: str
    decline_code: str | None = None


@dataclass(frozen=True)
class ReleaseStock:
    """`expired` when the hold ran out, as opposed to an order that was refused or cancelled."""

    order_id: str
    expired: bool = False


@dataclass(frozen=True)
class ConfirmOrder:
    order_id: str
    by: str
    note: str | None = None


@dataclass(frozen=True)
class CancelOrder:
    """`reason` is a CancelReason; `facts` is what the error knew, for a later look at the same request."""

    order_id: str
    reason: str
    by: str
    note: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RemindStaff:
    """`number` of the reminder, from 1: each is noted once."""

    order_id: str
    number: int


def parse_decision(arguments: tuple[Any, ...]) -> Decision | None:
    """The Decision in a signal's arguments, or None for anything malformed, which the workflow then ignores.

    Signals also come from the Web UI and the command line, where people type: nothing, `null` and an object with
    `by` and `note` are understood; any other shape changes nothing.
    """
    if len(arguments) > 1:
        return None
    value = arguments[0] if arguments else None
    if value is None:
        return Decision()
    if not isinstance(value, dict) or not set(value) <= {"by", "note"}:
        return None
    by, note = value.get("by", BY_TEMPORAL), value.get("note")
    if not by or not _can_be_kept(by, NAME_LIMIT):
        return None
    if note is not None and not _can_be_kept(note, NOTE_LIMIT):
        return None
    return Decision(by, note)


def _can_be_kept(text: Any, limit: int) -> bool:
    return isinstance(text, str) and len(text) <= limit and is_storable(text)
