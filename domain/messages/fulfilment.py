"""The fulfilment's contract with Temporal: `fulfilment-{order id}` owns the order once its checkout has closed.

One object per call; every field that is added later needs a default, or old histories stop replaying.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.messages.checkout import NAME_LIMIT, NOTE_LIMIT
from domain.text import is_storable

CARRIER_LIMIT = 80
TRACKING_LIMIT = 120
MOST_UNITS = 1_000_000


@dataclass(frozen=True)
class FulfilmentInput:
    """All that a fulfilment needs; the rest stands in the order's row.

    `first` comes before all that is sent to it: a cancellation that came too late for the checkout, and hands over so.
    """

    order_id: str
    first: "Instruction | None" = None


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
    """The order as its fulfilment finds it. `stuck_after_seconds` as in the checkout's Placement.

    `is_to_capture`: the money is set aside, and is taken before the first unit leaves. `is_being_cancelled`: somebody
    ended the one before this in the middle of a cancellation.
    """

    order_number: str
    status: str
    payment_method: str
    stuck_after_seconds: float
    is_to_capture: bool = False
    is_being_cancelled: bool = False


@dataclass(frozen=True)
class MoveOrder:
    """A step of the order's, by whom and with which note. `cash` as in Instruction."""

    order_id: str
    by: str
    note: str | None = None
    cash: int | None = None


@dataclass(frozen=True)
class ShipOrder:
    """`shipment_id` follows from the instruction, so that a repeated step ships nothing twice. No `lines`: the rest."""

    order_id: str
    shipment_id: str
    by: str
    carrier: str
    tracking_number: str
    lines: dict[str, int] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True)
class GiveBack:
    """A step of a cancellation, by whoever asked for it."""

    order_id: str
    by: str


@dataclass(frozen=True)
class ClaimedRefund:
    """None: nothing is left to give back."""

    refund_id: str | None = None


@dataclass(frozen=True)
class ExpectedReturn:
    """Of what was shipped; None where nothing was."""

    return_id: str | None = None


def can_be_kept(instruction: Instruction) -> bool:
    """Whether a step could write it: instructions also come from the Web UI and the command line, where people type."""
    texts = [(instruction.by, NAME_LIMIT), (instruction.note or "-", NOTE_LIMIT)]
    if instruction.command is Command.SHIP:
        texts += [(instruction.carrier, CARRIER_LIMIT), (instruction.tracking_number, TRACKING_LIMIT)]
        texts += [(sku, NAME_LIMIT) for sku in instruction.lines]
    return (
        all(1 <= len(text) <= limit and is_storable(text) for text, limit in texts)
        and all(1 <= units <= MOST_UNITS for units in instruction.lines.values())
        and abs(instruction.cash or 0) < 2**63
    )
