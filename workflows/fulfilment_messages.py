"""What the fulfilment hears and answers: one update for all commands, two signals, one query.

Handlers only put what they heard in line; `workflows/fulfilment.py` takes one after the other.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import NotAllowedInState
    from domain.messages.checkout import Decision, OrderStep, Progress, parse_decision
    from domain.messages.fulfilment import Command, Instruction, Moved, Opened, can_be_kept
    from domain.orders import OrderStatus
    from workflows.steps import Steps


LONGEST_LINE = 5
"""Temporal lets ten updates be under way: those that wait for a provider must leave room for a cancellation."""


@dataclass
class Asked:
    """An instruction in line, and what came of it. `key` is the same however often it is sent."""

    instruction: Instruction
    key: str
    answer: Moved | ApplicationError | None = None


class FulfilmentMessages:
    """The fulfilment's memory, and everything that may be said to it."""

    def __init__(self, order_id: str) -> None:
        self.order = OrderStep(order_id)
        self.steps = Steps()
        self.opened: Opened | None = None
        self.status: OrderStatus | None = None
        self.line: deque[Asked] = deque()

    @property
    def is_cancellation_in_line(self) -> bool:
        return any(asked.instruction.command is Command.CANCEL for asked in self.line)

    @workflow.update
    async def instruct(self, instruction: Instruction) -> Moved:
        """Waits for its turn and for what comes of it. Raises the domain's refusal."""
        update = workflow.current_update_info()
        asked = self.put_in_line(instruction, key=update.id if update else "")
        await workflow.wait_condition(lambda: asked.answer is not None)
        if isinstance(asked.answer, Moved):
            return asked.answer
        raise asked.answer or RuntimeError("there is an answer by now")

    @instruct.validator
    def can_instruct(self, instruction: Instruction) -> None:
        if not can_be_kept(instruction):
            raise self.refused("What was asked for cannot be kept: a text is empty, too long, or no text.")
        if len(self.line) >= LONGEST_LINE and instruction.command is not Command.CANCEL:
            raise self.refused("Other commands wait before this one.")

    @workflow.signal(name="cancel_order")
    def cancel_on_request(self, *arguments: Any) -> None:
        """`*arguments`, because a wrong number of them would wedge the workflow for ever."""
        decision = parse_decision(arguments)
        if decision is not None:
            self.cancel_as(decision)

    @workflow.signal
    def retry_stuck(self, *arguments: Any) -> None:
        self.steps.retry()

    @workflow.query
    def progress(self) -> Progress:
        return Progress(
            order_id=self.order.order_id,
            order_number=self.opened.order_number if self.opened else None,
            status=str(self.status) if self.status else None,
            step=self.steps.current,
            waiting_for=self.steps.waiting_for,
            stuck_step=self.steps.stuck_step,
            last_error=self.steps.last_error,
        )

    def cancel_as(self, decision: Decision) -> None:
        """A cancellation that nobody waits for."""
        self.put_in_line(Instruction(Command.CANCEL, decision.by, decision.note), key="")

    def cancel_first(self) -> None:
        """What was begun is finished before anything else, for whoever asks for it, or by itself."""
        asking = [asked for asked in self.line if asked.instruction.command is Command.CANCEL]
        first = asking[0] if asking else self.put_in_line(Instruction(Command.CANCEL, "fulfilment"), key="")
        self.line.remove(first)
        self.line.appendleft(first)

    def put_in_line(self, instruction: Instruction, key: str) -> Asked:
        asked = Asked(instruction, key)
        self.line.append(asked)
        return asked

    def refused(self, detail: str) -> ApplicationError:
        facts = {"order_status": str(self.status)} if self.status else {}
        return ApplicationError(detail, facts, type=NotAllowedInState.code, non_retryable=True)
