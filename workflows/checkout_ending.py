"""How a checkout ends early: the undos, each the opposite of a step, and what it leaves to the order's fulfilment."""

from contextlib import suppress
from dataclasses import asdict

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.inventory import InventoryActivities
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from domain.messages.checkout import CancelOrder, Decision, Placement, Receipt, ReleaseStock
    from domain.messages.fulfilment import Command, FulfilmentInput, Instruction
    from domain.orders import MONEY_TAKEN, PENDING, CancelReason, CaptureAt, OrderStatus, fulfilment_workflow_id
    from workflows.attributes import ORDER_ID, ORDER_STATUS, upsert
    from workflows.checkout_messages import CheckoutMessages
    from workflows.options import PROVIDER_STEP, TASK_TIMEOUT

FULFILMENT = "FulfilmentWorkflow"


class CheckoutEnding(CheckoutMessages):
    """What it can undo, and what it knows of its order while it does."""

    # ── the undos ────────────────────────────────────────────────────────────────────────────────────────────────

    async def void_payment(self) -> bool:
        outcome = await self.steps.insisted(
            PaymentActivities.void_payment, self.order, "Let go of the money", PROVIDER_STEP
        )
        return outcome.status not in MONEY_TAKEN

    async def release_stock(self) -> bool:
        expired = self.ending is not None and self.ending.reason == CancelReason.EXPIRED
        step = ReleaseStock(self.order.order_id, expired=expired)
        await self.steps.insisted(InventoryActivities.release_stock, step, "Give the stock back")
        return True

    async def cancel_order(self) -> bool:
        await self.steps.insisted(OrderActivities.cancel_order, self.ending, "Write that it is cancelled")
        self.become(OrderStatus.CANCELLED)
        return True

    def reason_of(self, refusal: ApplicationError | None) -> CancelOrder:
        known = refusal is not None and refusal.type in set(CancelReason)
        return CancelOrder(
            self.order.order_id,
            reason=str(refusal.type) if refusal and known else CancelReason.CANCELLED.value,
            by="checkout" if refusal else Decision().by,
            detail=refusal.message if refusal else None,
            facts=refusal.details[0] if refusal and refusal.details else {},
        )

    # ── what comes after it ──────────────────────────────────────────────────────────────────────────────────────

    async def answer_everybody(self) -> None:
        self.is_over = True
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def hand_over(self, cancelled_by: Decision) -> None:
        """`cancel_order` came when the money was taken: the order's fulfilment gives it back."""
        running = workflow.get_external_workflow_handle(fulfilment_workflow_id(self.order.order_id))
        while True:
            try:
                return await self.start_fulfilment(Instruction(Command.CANCEL, cancelled_by.by, cancelled_by.note))
            except WorkflowAlreadyStartedError:  # it waits for this checkout to close
                with suppress(ApplicationError):  # it ended in between: another has to begin
                    return await running.signal("cancel_order", asdict(cancelled_by))

    async def start_fulfilment(self, first: Instruction) -> None:
        order_id = self.order.order_id
        await workflow.start_child_workflow(
            FULFILMENT,
            FulfilmentInput(order_id, first),
            id=fulfilment_workflow_id(order_id),
            task_timeout=TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, order_id)]),
            static_summary=f"Fulfilment of order {order_id}",
        )

    # ── what it knows ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def placed(self) -> Placement:
        """Raises RuntimeError before the first step is done: a bug, which stalls the workflow until it is mended."""
        if self.placement is None:
            raise RuntimeError("the order is not placed yet")
        return self.placement

    @property
    def captures(self) -> bool:
        """Whether the money is taken here, and not when the order ships or is handed over."""
        return not (self.is_cod or self.placed.is_free or self.placed.capture_at == CaptureAt.SHIPPING)

    @property
    def is_ours(self) -> bool:
        """Whether the order is still its checkout's: pending, or confirmed with the capture to come."""
        return self.status in PENDING or (self.status is OrderStatus.CONFIRMED and self.captures)

    @property
    def is_cancelled(self) -> bool:
        return self.status is OrderStatus.CANCELLED

    def become(self, status: OrderStatus) -> None:
        self.status = status
        upsert(ORDER_STATUS.value_set(status.value))

    def answer(self) -> None:
        """Tell whoever asked with the card that was tried, and whoever asks later."""
        receipt = Receipt(self.order.order_id, str(self.status))
        self.answers.setdefault(self.tried, receipt)
        if self.status not in PENDING:
            self.last_answer = receipt
