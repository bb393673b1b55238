"""A return's contract with Temporal: the id of its row; lines, reasons and people stand there."""

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True)
class DecideReturn:
    """Staff's word, as an update. `restock` goes with `RECEIVE`: False writes the goods off."""

    decision: ReturnDecision
    by: str
    note: str | None = None
    restock: bool = True
