"""The fulfilment's contract with Temporal: `fulfilment-{order id}` owns the order once its checkout has closed.

One object per call; every field that is added later needs a default, or old histories stop replaying.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.orders import CaptureAt


@dataclass(frozen=True)
class FulfilmentInput:
    """All that a fulfilment needs; the rest stands in the order's row."""

    order_id: str


@dataclass(frozen=True)
class FulfilmentResult:
    """How the fulfilment left the order: delivered, cancelled, or as it was where nothing was to be done."""

    order_id: str
    status: str


class Command(StrEnum):
    """What staff, or the owner by `CANCEL`, ask of an order."""

    PROCESS = "process"
    SHIP = "ship"
    DELIVER = "deliver"
    CANCEL = "cancel"
    CAPTURE = "capture"


@dataclass(frozen=True)
class Instruction:
    """A command with what belongs to it: an update, answered once it is done or refused.

    `lines` are units by SKU, where not all that is left is shipped. `is_owner` is the customer, who may not cancel what
    was shipped. `cash` is what the courier collected, in minor units of the order's currency; None: what was due.
    """

    command: Command
    by: str
    note: str | None = None
    is_owner: bool = False
    carrier: str = ""
    tracking_number: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    cash: int | None = None


@dataclass(frozen=True)
class Moved:
    """Where the command left the order."""

    order_id: str
    status: str


@dataclass(frozen=True)
class Opened:
    """The order as its fulfilment finds it. `stuck_after_seconds` as in the checkout's Placement."""

    order_number: str
    status: str
    payment_method: str
    stuck_after_seconds: float
    capture_at: str = CaptureAt.CONFIRMATION.value
