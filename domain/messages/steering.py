"""What staff tell a workflow that is under way, and what it tells them."""

from dataclasses import dataclass
from datetime import timedelta

LONGEST_HOLD = timedelta(days=7)
"""From the moment of the extension: as long as banks set money aside."""

MOST_MINUTES = int(LONGEST_HOLD.total_seconds() // 60)


@dataclass(frozen=True)
class ExtendHold:
    """The update `extend_hold`: the order's stock is held this much longer than it would be."""

    minutes: int
    by: str
    note: str | None = None


@dataclass(frozen=True)
class MoveHold:
    """`ends_at` is an absolute time, RFC 3339, so that a repeated step extends once."""

    order_id: str
    ends_at: str
    by: str
    note: str | None = None


@dataclass(frozen=True)
class TellStuck:
    """`since` in milliseconds since the epoch: staff are told once of each time that a step gets stuck."""

    order_id: str
    step: str
    since: int
