"""The reconciliation's contract with Temporal: the provider's journal compared with our books, page by page.

One object per call; every field that is added later needs a default, or old histories stop replaying.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

SCHEDULE_ID = "payments-reconciliation"


def reconciliation_workflow_id(reconciliation_id: UUID | str) -> str:
    return f"reconciliation-{reconciliation_id}"


class DifferenceKind(StrEnum):
    # mended, or handed to the workflow that owns the order
    CAPTURED_THERE = "captured-there-not-here"
    REFUNDED_THERE = "refunded-there-not-here"
    AUTHORISED_FOR_CANCELLED = "authorised-for-a-cancelled-order"
    LEFTOVER_INTENT = "leftover-intent"  # ours, never confirmed: another one of its order was stored
    STATE_DIFFERS = "state-differs"  # money is set aside on one side alone
    # reported alone
    CAPTURED_FOR_CANCELLED = "captured-for-a-cancelled-order"
    CAPTURED_HERE = "captured-here-not-there"
    REFUNDED_HERE = "refunded-here-not-there"
    MISSING_THERE = "missing-there"
    UNKNOWN_INTENT = "unknown-intent"  # it holds money, and no payment of ours is about it
    DOUBLE_CHARGE = "double-charge"  # money on a second intent of one order
    AMOUNT_DIFFERS = "amount-differs"
    ORDER_DIFFERS = "order-differs"  # the intent names another order


@dataclass(frozen=True)
class Place:
    """Where a reconciliation goes on: after this intent of the provider's, which was made at `until`."""

    reconciliation_id: str
    after: str | None = None
    until: str | None = None
    compared: int = 0
    moving: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReconciliationInput:
    """`reconciliation_id` is of a row that is there already; the schedule's runs make their own.

    `intent_ref` asks for this one intent alone, once it has come to rest. `place` is set where a long one continues as
    new.
    """

    reconciliation_id: str | None = None
    intent_ref: str | None = None
    place: Place | None = None


@dataclass(frozen=True)
class ReconciliationResult:
    """Counts of intents and payments: compared, those that differed, and those that no longer do."""

    reconciliation_id: str
    compared: int
    different: int
    mended: int


@dataclass(frozen=True)
class BeginReconciliation:
    reconciliation_id: str


@dataclass(frozen=True)
class Begun:
    """`since` in ISO 8601: intents made before it are not looked at. Durations in seconds, from the settings."""

    since: str
    settling_seconds: float
    stuck_after_seconds: float


@dataclass(frozen=True)
class ComparePage:
    """The page after the intent `after`. `until` is when that was made: our payments from then on were looked for."""

    since: str
    after: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Compared:
    """`differing` and `moving` are references of intents; the latter were touched a moment ago, so look again later.

    `after` is None when this was the last page.
    """

    compared: int
    differing: list[str]
    moving: list[str]
    after: str | None
    until: str | None


@dataclass(frozen=True)
class SettleDifference:
    reconciliation_id: str
    intent_ref: str


@dataclass(frozen=True)
class FinishReconciliation:
    reconciliation_id: str
    compared: int
