"""What a return hears and answers: updates of the API, signals of the Web UI and the command line, one query.

Handlers only put what they heard in line; `workflows/returns.py` carries it out, one after the other, and answers it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import NotAllowedInState
    from domain.messages.checkout import Progress
    from domain.messages.returns import (
        DecideReturn,
        OpenedReturn,
        ReturnDecision,
        ReturnInput,
        ReturnResult,
        parse_return_decision,
    )
    from domain.orders import ReturnStatus
    from workflows.steps import Steps

MONEY_PATIENCE = timedelta(seconds=5)
"""Who says that the goods are back hears that the money is on its way where that takes no longer; below the API's
reply deadline."""


@dataclass
class Heard:
    decision: DecideReturn
    answer: ReturnResult | ApplicationError | None = None


class ReturnMessages:
    """The return's memory, and everything that may be said to it."""

    def __init__(self, given: ReturnInput) -> None:
        self.given = given
        self.steps = Steps()
        self.opened: OpenedReturn | None = None
        self.status: ReturnStatus | None = None
        self.line: list[Heard] = []
        self.is_decided = False  # nothing that staff could say changes anything any more
        self.is_closed = False

    @workflow.update
    async def decide(self, decision: DecideReturn) -> ReturnResult:
        """Raises NotAllowedInState where the return does not wait for this, and what else the step refuses with."""
        heard = Heard(decision)
        self._put_in_line(heard)
        await workflow.wait_condition(lambda: heard.answer is not None)
        if isinstance(heard.answer, ApplicationError):
            raise heard.answer
        if decision.decision is ReturnDecision.RECEIVE:
            await self._see_the_money_off()
        return self.result

    @decide.validator
    def can_decide(self, decision: DecideReturn) -> None:
        if not decision.can_be_kept:
            raise ApplicationError("`by` or `note` cannot be kept.", type=NotAllowedInState.code, non_retryable=True)

    # ── signals: `*arguments`, because a wrong number of them would wedge the workflow for ever ──────────────────

    @workflow.signal
    def approve(self, *arguments: Any) -> None:
        self._hear(ReturnDecision.APPROVE, arguments)

    @workflow.signal
    def reject(self, *arguments: Any) -> None:
        self._hear(ReturnDecision.REJECT, arguments)

    @workflow.signal
    def receive(self, *arguments: Any) -> None:
        self._hear(ReturnDecision.RECEIVE, arguments)

    @workflow.signal
    def retry_stuck(self, *arguments: Any) -> None:
        self.steps.retry()

    @workflow.query
    def progress(self) -> Progress:
        return Progress(
            order_id=self.given.order_id,
            order_number=self.opened.order_number if self.opened else None,
            status=str(self.status) if self.status else None,
            step=self.steps.current,
            waiting_for=self.steps.waiting_for,
            stuck_step=self.steps.stuck_step,
            last_error=self.steps.last_error,
        )

    @property
    def result(self) -> ReturnResult:
        return ReturnResult(self.given.return_id, str(self.status))

    def refusal(self) -> ApplicationError:
        """Of what the return does not wait for, or not any more."""
        return ApplicationError(
            f"A return that is {self.status} does not wait for this.",
            {"return_status": str(self.status)},
            type=NotAllowedInState.code,
            non_retryable=True,
        )

    def close_the_line(self) -> None:
        """Whoever is still in it, or comes now, came too late."""
        self.is_decided = True
        while self.line:
            self.line.pop(0).answer = self.refusal()

    def _hear(self, decision: ReturnDecision, arguments: tuple[Any, ...]) -> None:
        word = parse_return_decision(decision, arguments)
        if word is not None:
            self._put_in_line(Heard(word))

    def _put_in_line(self, heard: Heard) -> None:
        if self.is_decided:
            heard.answer = self.refusal()
        else:
            self.line.append(heard)

    async def _see_the_money_off(self) -> None:
        try:
            await workflow.wait_condition(
                lambda: self.is_closed or self.steps.stuck_step is not None,
                timeout=MONEY_PATIENCE,
                timeout_summary="answer before the money is gone",
            )
        except TimeoutError:
            return
