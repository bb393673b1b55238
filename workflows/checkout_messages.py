"""What the checkout hears and answers: updates of the API, signals of the Web UI and the command line, one query.

Handlers only note what they heard; the work is done by the story in `workflows/checkout.py`.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from domain.errors import NotAllowedInState
    from domain.messages.checkout import (
        CancelOrder,
        CodDecision,
        Decision,
        OrderStep,
        Placement,
        Progress,
        Receipt,
        ReceiptInput,
        parse_decision,
    )
    from domain.messages.steering import LONGEST_HOLD, ExtendHold, MoveHold
    from domain.orders import CancelReason, OrderStatus, PaymentMethod
    from workflows.hold import Hold
    from workflows.steps import Steps

FIRST_CARD = 1


class CheckoutMessages:
    """The checkout's memory, and everything that may be said to it."""

    def __init__(self, order_id: str) -> None:
        self.order = OrderStep(order_id)
        self.steps = Steps()
        self.story: asyncio.Task[None] | None = None
        self.placement: Placement | None = None
        self.status: OrderStatus | None = None
        self.answers: dict[int, Receipt | ApplicationError] = {}  # by the number of the card that was tried
        self.last_answer: Receipt | ApplicationError | None = None  # for whoever asks once the story is over
        self.cards = FIRST_CARD  # that were offered
        self.tried = FIRST_CARD  # the latest that the provider was asked about
        self.news_from_bank = False
        self.cod_decision: CodDecision | None = None
        self.ending: CancelOrder | None = None
        self.cancelled_by: Decision | None = None  # who sent `cancel_order`, and waits for no answer
        self.is_over = False
        self.hold = Hold(lambda: self.end(CancelReason.EXPIRED, Decision("checkout")))

    @property
    def is_cod(self) -> bool:
        return self.placement is not None and self.placement.payment_method == PaymentMethod.COD

    def is_decided(self) -> bool:
        return self.cod_decision is not None

    def answer_to(self, card: int) -> Receipt | ApplicationError | None:
        """What there is to tell about this card; one that a later card overtook hears about that one."""
        told = [number for number in self.answers if number >= card]
        return self.answers[min(told)] if told else self.last_answer

    # ── updates: the API asks and hears what came of it ──────────────────────────────────────────────────────────

    @workflow.update
    async def receipt(self, asked: ReceiptInput) -> Receipt:
        """Waits until there is something to tell about this card, or the refusal. Raises the domain's refusal."""
        self.cards = max(self.cards, asked.attempt)
        await workflow.wait_condition(lambda: self.answer_to(asked.attempt) is not None)
        answer = self.answer_to(asked.attempt)
        if not isinstance(answer, ApplicationError):
            return answer or Receipt(self.order.order_id, str(self.status))
        raise ApplicationError(answer.message, *answer.details, type=answer.type, non_retryable=True)

    @workflow.update
    async def decide_cod(self, decision: CodDecision) -> Receipt:
        """What the API sends for staff: `confirm_cod` or `reject_cod` with an answer."""
        self.cod_decision = decision
        await workflow.wait_condition(lambda: self.last_answer is not None)
        return Receipt(self.order.order_id, str(self.status))

    @decide_cod.validator
    def can_decide_cod(self, decision: CodDecision) -> None:
        self._require_keepable(decision.by, decision.note)
        if self.cod_decision or self.ending or (self.placement and not self.is_cod):
            raise ApplicationError(
                "The order does not wait for this decision.",
                {"order_status": str(self.status)},
                type=NotAllowedInState.code,
                non_retryable=True,
            )

    @workflow.update
    async def cancel(self, decision: Decision) -> Receipt:
        """`cancel_order` with an answer, once the checkout is over: `cancelled`, or `confirmed` where it came too late.

        Whoever asked takes it to the order's fulfilment then. Raises NotFound for an order that nobody asked for.
        """
        self.end(CancelReason.CANCELLED, decision)
        await workflow.wait_condition(lambda: self.is_over)
        if self.status is None and isinstance(self.last_answer, ApplicationError):
            raise self.last_answer
        return Receipt(self.order.order_id, str(self.status))

    @cancel.validator
    def can_cancel(self, decision: Decision) -> None:
        self._require_keepable(decision.by, decision.note)

    @workflow.update
    async def extend_hold(self, extension: ExtendHold) -> Receipt:
        """The timer moves first, so that the hold cannot end while its new end is being written."""
        self.hold.move(self.hold.ends + timedelta(minutes=extension.minutes))
        step = MoveHold(self.order.order_id, self.hold.ends.isoformat(), extension.by, extension.note)
        await self.steps.beside(OrderActivities.extend_hold, step, "Write the new end of the hold")
        return Receipt(self.order.order_id, str(self.status))

    @extend_hold.validator
    def can_extend_hold(self, extension: ExtendHold) -> None:
        self._require_keepable(extension.by, extension.note)
        if self.ending or not self.hold.is_running:
            raise ApplicationError(
                "The order's stock is not held any more, or not yet.",
                {"order_status": str(self.status)},
                type=NotAllowedInState.code,
                non_retryable=True,
            )
        latest = workflow.now() + LONGEST_HOLD
        if extension.minutes < 1 or self.hold.ends + timedelta(minutes=extension.minutes) > latest:
            raise ApplicationError(
                "A hold ends within seven days from now.",
                {"hold_expires_at": self.hold.ends.isoformat()},
                type=NotAllowedInState.code,
                non_retryable=True,
            )

    # ── signals: `*arguments`, because a wrong number of them would wedge the workflow for ever ──────────────────

    @workflow.signal
    def confirm_cod(self, *arguments: Any) -> None:
        self._decide(True, parse_decision(arguments))

    @workflow.signal
    def reject_cod(self, *arguments: Any) -> None:
        self._decide(False, parse_decision(arguments))

    @workflow.signal(name="cancel_order")
    def cancel_on_request(self, *arguments: Any) -> None:
        decision = parse_decision(arguments)
        if decision is not None:
            self.cancelled_by = self.cancelled_by or decision
            self.end(CancelReason.CANCELLED, decision)

    @workflow.signal
    def retry_stuck(self, *arguments: Any) -> None:
        self.steps.retry()

    @workflow.signal
    def payment_news(self, *arguments: Any) -> None:
        """A webhook or the shopper's return says that something happened at the bank."""
        self.news_from_bank = True

    @workflow.query
    def progress(self) -> Progress:
        return Progress(
            order_id=self.order.order_id,
            order_number=self.placement.order_number if self.placement else None,
            status=str(self.status) if self.status else None,
            step=self.steps.current,
            waiting_for=self.steps.waiting_for,
            stuck_step=self.steps.stuck_step,
            last_error=self.steps.last_error,
        )

    def _require_keepable(self, by: str, note: str | None) -> None:
        if parse_decision(({"by": by, "note": note},)) is None:
            raise ApplicationError("`by` or `note` cannot be kept.", type=NotAllowedInState.code, non_retryable=True)

    def _decide(self, confirm: bool, decision: Decision | None) -> None:
        """The first decision counts; an early one is kept, a malformed one is none."""
        if decision is not None and self.cod_decision is None:
            self.cod_decision = CodDecision(confirm, decision.by, decision.note)

    def end(self, reason: CancelReason, decision: Decision) -> None:
        """End the story early. The first reason stays; once the story is over there is nothing to end."""
        if self.ending is None and (self.story is None or not self.story.done()):
            self.ending = CancelOrder(self.order.order_id, reason.value, decision.by, decision.note)
            if self.story:
                self.story.cancel()
