"""The fault knobs: what is to go wrong, with which operation, how often. Kept in memory: a restart clears them."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Operation(StrEnum):
    CREATE = "create"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    RETRIEVE = "retrieve"
    LIST = "list"
    REFUND = "refund"
    WEBHOOK = "webhook"
    ANY = "*"
    """Every operation but the webhook."""


class Kind(StrEnum):
    OUTAGE = "outage"
    """503 before anything is done: no idempotency key keeps it."""
    ERROR_AFTER = "error_after"
    """500 after it was done: an idempotency key keeps it, as Stripe does."""
    DROP_REPLY = "drop_reply"
    """The connection is closed after it was done."""
    SLOW = "slow"
    """It begins `delay_seconds` later."""
    SLOW_REPLY = "slow_reply"
    """It is done at once, and the reply comes `delay_seconds` later."""
    PAUSE = "pause"
    """No webhook goes out until the knobs are cleared."""
    LOST = "lost"
    """The webhook never arrives."""
    DUPLICATE = "duplicate"
    """The webhook arrives twice."""
    REORDER = "reorder"
    """The webhook arrives after the next one of its intent, or after `delay_seconds` where there is none."""


OF_WEBHOOKS = (Kind.PAUSE, Kind.LOST, Kind.DUPLICATE, Kind.REORDER, Kind.SLOW)
OF_REQUESTS = (Kind.OUTAGE, Kind.ERROR_AFTER, Kind.DROP_REPLY, Kind.SLOW, Kind.SLOW_REPLY)


class Fault(BaseModel):
    """`times` counts requests, or webhooks; null holds until the knobs are cleared."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    kind: Kind
    times: int | None = Field(default=1, ge=1)
    delay_seconds: float = Field(default=3, ge=0, le=600)

    @model_validator(mode="after")
    def _kinds_fit(self) -> Self:
        fitting = OF_WEBHOOKS if self.operation is Operation.WEBHOOK else OF_REQUESTS
        if self.kind not in fitting:
            raise ValueError(f"{self.operation} takes one of {', '.join(fitting)}")
        return self


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    @property
    def is_paused(self) -> bool:
        return any(fault.kind is Kind.PAUSE for fault in self.waiting)

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, operation: Operation) -> Fault | None:
        """The oldest knob for this operation, used up by one."""
        names = (operation,) if operation is Operation.WEBHOOK else (operation, Operation.ANY)
        for fault in self.waiting:
            if fault.operation in names and fault.kind is not Kind.PAUSE:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.waiting.remove(fault)
                return fault
        return None
