"""A return: goods on their way back, until their money is on its way too, or there is none to give.

    open → wait for a decision → wait for the goods → restock or write off → refund → close

Staff's words are messages to this workflow; it carries them out one after the other, so that of two that contradict
each other the second is refused. Without a word its deadlines end it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundActivities
    from activities.returns import ReturnActivities
    from domain.messages.checkout import BY_TEMPORAL
    from domain.messages.refunds import RefundInput
    from domain.messages.returns import (
        DecideReturn,
        ReturnDecision,
        ReturnInput,
        ReturnResult,
        ReturnState,
        ReturnStep,
    )
    from domain.orders import RETURN_MOVES, RefundStatus, ReturnStatus
    from workflows.attributes import ORDER_ID, ORDER_NUMBER, upsert
    from workflows.options import PROVIDER_STEP
    from workflows.returns_messages import ReturnMessages
    from workflows.steps import refusal_in

WAITS_FOR = {ReturnStatus.REQUESTED: "return decision", ReturnStatus.APPROVED: "returned goods"}

Step = Callable[..., Coroutine[Any, Any, ReturnState]]
STEPS: dict[ReturnDecision, tuple[Step, str]] = {
    ReturnDecision.APPROVE: (ReturnActivities.approve_return, "Approve the return"),
    ReturnDecision.REJECT: (ReturnActivities.reject_return, "Reject the return"),
    ReturnDecision.RECEIVE: (ReturnActivities.receive_return, "Take the goods back"),
}


@workflow.defn
class ReturnWorkflow(ReturnMessages):
    @workflow.init
    def __init__(self, given: ReturnInput) -> None:
        super().__init__(given)
        self.deadline = self.reminder = workflow.now()
        self.decided_by = BY_TEMPORAL

    @workflow.run
    async def run(self, given: ReturnInput) -> ReturnResult:
        try:
            await self.tell()
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled_exception(error) or workflow.is_failure_exception(error):
                await self.answer_everybody()
            raise
        await self.answer_everybody()
        return self.result

    async def tell(self) -> None:
        await self.open()
        while self.status in WAITS_FOR:
            await self.wait_for_staff(WAITS_FOR[self.status])
        self.close_the_line()
        if self.status is ReturnStatus.RECEIVED:
            await self.give_the_money_back()
            self.become(await self.steps.visible(ReturnActivities.close_return, self.step(), "Close the return"))

    # ── the steps ────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        self.opened = await self.steps.quick(ReturnActivities.open_return, self.step(), "Take the return up")
        self.steps.stuck_after = timedelta(seconds=self.opened.stuck_after_seconds)
        self.reminder = self.after(self.opened.reminder_seconds)
        upsert(ORDER_ID.value_set(self.given.order_id), ORDER_NUMBER.value_set(self.opened.order_number))
        self.become(ReturnState(self.opened.status, self.opened.seconds_left))

    async def wait_for_staff(self, what: str) -> None:
        """Until the next word, the reminder or the deadline, whichever comes first."""
        is_to_be_reminded = self.status is ReturnStatus.REQUESTED and self.reminder > workflow.now()
        due, then = (self.reminder, "remind staff") if is_to_be_reminded else (self.deadline, "the return expires")
        if await self.steps.wait(what, lambda: bool(self.line), due - workflow.now(), then) or self.line:
            heard = self.line.pop(0)
            heard.answer = await self.carry_out(heard.decision)
        elif is_to_be_reminded:
            await self.steps.quick(ReturnActivities.remind_of_return, self.step(), "Remind staff")
        else:
            self.become(await self.steps.quick(ReturnActivities.expire_return, self.step(), "Let the return expire"))

    async def carry_out(self, decision: DecideReturn) -> ReturnResult | ApplicationError:
        if self.status is None or decision.decision.leads_to not in RETURN_MOVES[self.status]:
            return self.refusal()
        activity, summary = STEPS[decision.decision]
        step = ReturnStep(
            self.given.return_id, self.given.order_id, decision.by, decision.note, decision.restock
        )  # fmt: skip
        try:
            state = await self.steps.quick(activity, step, summary)
        except FailureError as error:
            refusal = refusal_in(error)
            if refusal is None:
                raise
            return refusal
        self.decided_by = decision.by
        self.become(state)
        return self.result

    async def give_the_money_back(self) -> None:
        """What the provider refused is free again: it is claimed anew, and tried anew, when staff say so."""
        while True:
            claimed = await self.steps.quick(
                ReturnActivities.claim_return_refund, self.step(), "Claim the money of the goods"
            )
            if claimed.refund_id is None:
                return
            refund = RefundInput(claimed.refund_id, self.given.order_id)
            outcome = await self.steps.insisted(
                RefundActivities.refund_payment, refund, "Give the money back", PROVIDER_STEP
            )
            if outcome.status == RefundStatus.SUCCEEDED:
                return
            await self.steps.stay_stuck("the provider refused the refund")

    async def answer_everybody(self) -> None:
        self.is_closed = True
        self.close_the_line()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # ── what it knows ────────────────────────────────────────────────────────────────────────────────────────────

    def become(self, state: ReturnState) -> None:
        self.status = ReturnStatus(state.status)
        self.deadline = self.after(state.seconds_left)

    def after(self, seconds: float) -> datetime:
        return workflow.now() + timedelta(seconds=seconds)

    def step(self) -> ReturnStep:
        return ReturnStep(self.given.return_id, self.given.order_id, self.decided_by)
