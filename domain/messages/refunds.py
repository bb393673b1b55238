"""A refund's contract with Temporal: the id of its row; the money and the reason stand there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RefundInput:
    """Also the input of its one step."""

    refund_id: str
    order_id: str


@dataclass(frozen=True)
class RefundOutcome:
    """`status` is a RefundStatus: succeeded, or failed where the provider refused it for good."""

    refund_id: str
    status: str
