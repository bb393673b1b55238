"""A return's contract with Temporal: the id of its row; lines, reasons and people stand there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.messages.checkout import BY_TEMPORAL, parse_decision
from domain.orders import ReturnStatus


@dataclass(frozen=True)
class ReturnInput:
    return_id: str
    order_id: str


@dataclass(frozen=True)
class ReturnResult:
    """`status` is a ReturnStatus: refunded, received where there was no money to give, rejected or expired."""

    return_id: str
    status: str


class ReturnDecision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    RECEIVE = "receive"

    @property
    def leads_to(self) -> ReturnStatus:
        return _LEADS_TO[self]


_LEADS_TO = {
    ReturnDecision.APPROVE: ReturnStatus.APPROVED,
    ReturnDecision.REJECT: ReturnStatus.REJECTED,
    ReturnDecision.RECEIVE: ReturnStatus.RECEIVED,
}


@dataclass(frozen=True)
class DecideReturn:
    """Staff's word, as an update. `restock` goes with `RECEIVE`: False writes the goods off."""

    decision: ReturnDecision
    by: str = BY_TEMPORAL
    note: str | None = None
    restock: bool = True

    @property
    def can_be_kept(self) -> bool:
        return parse_decision(({"by": self.by, "note": self.note},)) is not None


@dataclass(frozen=True)
class OpenedReturn:
    """The return as its workflow finds it. Seconds from now: until the deadline of its state, until staff are reminded.

    `stuck_after_seconds` as in the checkout's Placement.
    """

    order_number: str
    status: str
    seconds_left: float
    reminder_seconds: float
    stuck_after_seconds: float


@dataclass(frozen=True)
class ReturnStep:
    """The input of each step. `note` and `restock` are of the decision that it carries out."""

    return_id: str
    order_id: str
    by: str = BY_TEMPORAL
    note: str | None = None
    restock: bool = True


@dataclass(frozen=True)
class ReturnState:
    """Where a step left the return. `seconds_left` is how long it may stay there."""

    status: str
    seconds_left: float = 0


@dataclass(frozen=True)
class ClaimedRefund:
    """`refund_id` is None where there is nothing to give."""

    refund_id: str | None = None


def parse_return_decision(decision: ReturnDecision, arguments: tuple[Any, ...]) -> DecideReturn | None:
    """What a signal says, or None for anything malformed: shapes as in `parse_decision`, and `restock` of `receive`."""
    restock = True
    if decision is ReturnDecision.RECEIVE and len(arguments) == 1 and isinstance(arguments[0], dict):
        told = dict(arguments[0])
        restock = told.pop("restock", True)
        arguments = (told,)
    word = parse_decision(arguments)
    if word is None or not isinstance(restock, bool):
        return None
    return DecideReturn(decision, word.by, word.note, restock)
