"""The checkout: owns an order until it is confirmed and captured, or cancelled and undone.

    place → reserve → authorise → confirm → tell → capture        (card)
    place → reserve → tell → wait for staff → confirm             (cash on delivery)

Everything that happens to the order is a message to this workflow. A refusal, an expired hold, `cancel_order` and
a cancellation from outside all end the story the same way: the task that tells it ends, and then the undos run.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.carts import CartActivities
    from activities.inventory import InventoryActivities
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from domain.errors import NotFound, PaymentDeclined, PaymentTokenUnknown
    from domain.messages.checkout import (
        AuthorisePayment,
        CheckoutInput,
        CheckoutResult,
        CodDecision,
        ConfirmOrder,
        Decision,
        PaymentOutcome,
        RemindStaff,
    )
    from domain.orders import PENDING, CancelReason, OrderStatus, PaymentStatus
    from workflows.attributes import ORDER_ID, ORDER_NUMBER, ORDER_STATUS, PAYMENT_METHOD, upsert
    from workflows.checkout_ending import CheckoutEnding
    from workflows.checkout_messages import FIRST_CARD
    from workflows.options import BANK_POLL, PROVIDER_STEP
    from workflows.saga import Saga
    from workflows.steps import refusal_in


@workflow.defn
class CheckoutWorkflow(CheckoutEnding):
    @workflow.init
    def __init__(self, checkout: CheckoutInput) -> None:
        super().__init__(checkout.order_id)
        self.saga = Saga()
        self.declined: ApplicationError | None = None

    @workflow.run
    async def run(self, checkout: CheckoutInput) -> CheckoutResult:
        self.story = asyncio.create_task(self.tell())
        self.saga.register(self.cancel_order)
        self.saga.register(self.undo_unseen)
        if self.ending:  # `cancel_order` came before the first step
            self.story.cancel()
        try:
            await self.story
        except (Exception, asyncio.CancelledError) as error:
            # Only a refusal or a cancellation is undone: a bug must stall, not give money back.
            if not (is_cancelled_exception(error) or workflow.is_failure_exception(error)):
                raise
            await self.undo(error)
            if workflow.cancellation_reason() is not None or self.status is None:
                await self.answer_everybody()
                raise
        await self.answer_everybody()
        if self.cancelled_by and self.status is OrderStatus.CONFIRMED and workflow.patched("late-cancellation"):
            await self.hand_over(self.cancelled_by)
        return CheckoutResult(
            checkout.order_id, str(self.status), self.ending.reason if self.ending and self.is_cancelled else None
        )

    async def tell(self) -> None:
        await self.place()
        if self.status in PENDING:
            await self.reserve()
            if self.is_cod:
                await self.wait_for_staff()
            elif not self.placed.is_free:
                await self.pay()
            await self.confirm()
        elif self.is_ours:  # somebody reset a checkout that had confirmed its order: what is done stays done
            self.resume()
        else:  # the same, and the order has moved on since: it is another's
            self.answer()
        if self.is_ours:
            await self.capture()

    # ── the steps ────────────────────────────────────────────────────────────────────────────────────────────────

    async def place(self) -> None:
        placement = await self.steps.quick(OrderActivities.place_order, self.order, "Write the order")
        self.placement = placement
        self.hold.ends = workflow.now() + timedelta(seconds=placement.hold_seconds)
        self.steps.stuck_after = timedelta(seconds=placement.stuck_after_seconds)
        self.status = OrderStatus(placement.status)
        upsert(
            ORDER_ID.value_set(self.order.order_id),
            ORDER_NUMBER.value_set(placement.order_number),
            ORDER_STATUS.value_set(placement.status),
            PAYMENT_METHOD.value_set(placement.payment_method),
        )

    def resume(self) -> None:
        self.saga.register(self.release_stock)
        self.saga.register(self.void_payment)
        self.answer()

    async def reserve(self) -> None:
        self.saga.register(self.release_stock)
        await self.steps.quick(InventoryActivities.reserve_stock, self.order, "Hold the stock")
        self.hold.begin()

    async def pay(self) -> None:
        self.saga.register(self.void_payment)
        outcome = await self.authorise(FIRST_CARD)
        while outcome.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
            if outcome.status == PaymentStatus.REQUIRES_ACTION:
                self.answer()
                outcome = await self.wait_for_bank()
            else:
                outcome = await self.try_another_card()

    async def confirm(self) -> None:
        self.hold.stop()
        decision = (self.cod_decision if self.is_cod else None) or CodDecision(confirm=True, by="checkout")
        step = ConfirmOrder(self.order.order_id, decision.by, decision.note)
        await self.steps.quick(OrderActivities.confirm_order, step, "Turn the hold into a sale")
        self.become(OrderStatus.CONFIRMED)
        if not self.is_cod:
            await self.take_cart_lines()
        self.answer()

    async def capture(self) -> None:
        await self.steps.insisted(PaymentActivities.capture_payment, self.order, "Capture the payment", PROVIDER_STEP)

    async def take_cart_lines(self) -> None:
        await self.steps.quick(CartActivities.take_cart_lines, self.order, "Take the lines out of the cart")

    async def authorise(self, card: int) -> PaymentOutcome:
        self.tried = card
        step = AuthorisePayment(self.order.order_id, card)
        summary = "Authorise the payment" if card == FIRST_CARD else f"Authorise card {card}"
        return await self.steps.visible(PaymentActivities.authorise_payment, step, summary, PROVIDER_STEP)

    # ── waiting for somebody ─────────────────────────────────────────────────────────────────────────────────────

    async def wait_for_staff(self) -> None:
        await self.take_cart_lines()
        self.answer()
        started = workflow.now()
        for number, due in enumerate(self.placed.reminder_seconds, start=1):
            left = started + timedelta(seconds=due) - workflow.now()
            if await self.steps.wait("staff", self.is_decided, left, f"remind staff, {number}"):
                break
            await self.steps.quick(
                OrderActivities.remind_staff, RemindStaff(self.order.order_id, number), "Remind staff"
            )
        await self.steps.wait("staff", self.is_decided)
        if self.cod_decision and not self.cod_decision.confirm:
            self.end(CancelReason.REJECTED, Decision(self.cod_decision.by, self.cod_decision.note))
            raise asyncio.CancelledError

    async def wait_for_bank(self) -> PaymentOutcome:
        """3-D Secure: a webhook, the shopper's return and a timer are hints; the provider is asked for the truth."""
        while True:
            pause = max(BANK_POLL, self.hold.left / 100)  # a hold of days would fill the history
            await self.steps.wait("shopper", lambda: self.news_from_bank, pause, "ask the provider")
            self.news_from_bank = False
            outcome = await self.steps.visible(
                PaymentActivities.check_payment, self.order, "Ask how the payment stands", PROVIDER_STEP
            )
            if outcome.status != PaymentStatus.REQUIRES_ACTION:
                return outcome

    async def try_another_card(self) -> PaymentOutcome:
        """While the hold lasts, which ends the story by itself."""
        await self.steps.quick(OrderActivities.fail_payment, self.order, "Wait for another card")
        self.become(OrderStatus.PAYMENT_FAILED)
        if self.declined:
            self.answers[self.tried] = self.declined
        await self.steps.wait("another card", lambda: self.cards > self.tried)
        await self.steps.quick(OrderActivities.reopen_payment, self.order, "Try another card")
        self.become(OrderStatus.PENDING_PAYMENT)
        self.declined = None
        try:
            return await self.authorise(self.cards)
        except Exception as error:
            refusal = refusal_in(error)
            if refusal is None or refusal.type not in (PaymentDeclined.code, PaymentTokenUnknown.code):
                raise
            self.declined = refusal
            return PaymentOutcome(PaymentStatus.FAILED)

    # ── when it ends early ───────────────────────────────────────────────────────────────────────────────────────

    async def undo(self, error: BaseException) -> None:
        """Undo what was done, the latest first, and tell whoever waits. May find that it is too late."""
        self.hold.stop()
        refusal = refusal_in(error)
        if refusal and refusal.type == NotFound.code and self.placement is None:
            self.last_answer = refusal  # nobody asked for this order: there is nothing to undo
            return
        self.ending = self.ending or self.reason_of(refusal)
        if await self.saga.roll_back():
            self.last_answer = ApplicationError(
                self.ending.detail or "The order was cancelled.",
                self.ending.facts,
                type=self.ending.reason,
                non_retryable=True,
            )
        elif self.status in PENDING:
            await self.keep_what_is_paid()
        else:
            self.answer()

    async def keep_what_is_paid(self) -> None:
        """The money was taken before it could be let go, at the provider's: the order is a paid one, its stock held."""
        if self.status is OrderStatus.PAYMENT_FAILED:
            await self.steps.insisted(OrderActivities.reopen_payment, self.order, "The payment came after all")
        await self.confirm()

    async def undo_unseen(self) -> bool:
        """Undoes what another run did, where the story ended before its first step: somebody reset this checkout."""
        if self.placement is not None or not workflow.patched("undo-unseen"):
            return True
        await self.place()
        if not self.is_ours:
            return False
        is_paid = not (self.is_cod or self.placed.is_free) and not await self.void_payment()
        return not is_paid and await self.release_stock()
