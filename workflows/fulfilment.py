"""The fulfilment: owns an order from the moment its checkout has closed until it is delivered or cancelled.

    process → ship, line by line or at once → deliver

It does one thing at a time. A cancellation waits for its turn like any other command, and then undoes what there is:
the money, the stock that is in the house, and the order last. It interrupts nothing but a capture that keeps failing.
"""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid5

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.fulfilment import FulfilmentActivities
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from activities.refunds import RefundActivities
    from domain.errors import NotAllowedInState
    from domain.messages.checkout import CancelOrder, Decision
    from domain.messages.fulfilment import (
        Command,
        FulfilmentInput,
        FulfilmentResult,
        GiveBack,
        Instruction,
        Moved,
        MoveOrder,
        Opened,
        ShipOrder,
    )
    from domain.messages.refunds import RefundInput
    from domain.messages.returns import ReturnInput
    from domain.orders import CANCELLABLE, CancelReason, OrderStatus, RefundStatus, return_workflow_id
    from workflows.attributes import ORDER_ID, ORDER_NUMBER, ORDER_STATUS, PAYMENT_METHOD, upsert
    from workflows.fulfilment_messages import Asked, FulfilmentMessages
    from workflows.options import PROVIDER_STEP
    from workflows.returns import ReturnWorkflow
    from workflows.steps import refusal_in

WAITS_FOR = {OrderStatus.PROCESSING: "shipping", OrderStatus.SHIPPED: "delivery"}
"""In these states the order's fulfilment keeps running; in any other it ends once it has done what it was asked."""


@workflow.defn
class FulfilmentWorkflow(FulfilmentMessages):
    @workflow.init
    def __init__(self, fulfilment: FulfilmentInput) -> None:
        super().__init__(fulfilment.order_id)
        self.is_to_capture = False
        if fulfilment.first:
            self.put_in_line(fulfilment.first, key="first")

    @workflow.run
    async def run(self, fulfilment: FulfilmentInput) -> FulfilmentResult:
        story = asyncio.create_task(self.tell())
        while not story.done():
            try:
                await asyncio.shield(story)
            except asyncio.CancelledError:  # the workflow is to be cancelled: that is to say, the order
                self.cancel_as(Decision())
        return story.result()

    async def tell(self) -> FulfilmentResult:
        await self.open()
        while self.line or self.waits_for:
            await self.steps.wait(self.waits_for or "", lambda: bool(self.line))
            await self.carry_out(self.line.popleft())
            await self.hear_everybody()
            if self.is_long and not self.line:
                workflow.continue_as_new(FulfilmentInput(self.order.order_id))
        return FulfilmentResult(self.order.order_id, str(self.status))

    async def open(self) -> None:
        """Whoever is in line hears why it cannot, and the workflow fails with it."""
        try:
            opened = await self.look("Take the order on")
        except (ActivityError, ApplicationError) as error:
            while self.line:
                self.line.popleft().answer = refusal_in(error) or self.refused("The order could not be taken on.")
                await self.hear_everybody()
            raise
        self.steps.stuck_after = timedelta(seconds=opened.stuck_after_seconds)
        upsert(
            ORDER_ID.value_set(self.order.order_id),
            ORDER_NUMBER.value_set(opened.order_number),
            PAYMENT_METHOD.value_set(opened.payment_method),
        )
        if opened.is_being_cancelled:
            self.cancel_first()

    async def look(self, why: str) -> Opened:
        """The order as it stands: somebody may have reset this workflow to a time before."""
        self.opened = await self.steps.quick(FulfilmentActivities.open_fulfilment, self.order, why)
        self.is_to_capture = self.opened.is_to_capture
        self.become(self.opened.status)
        return self.opened

    async def hear_everybody(self) -> None:
        """Until those who were answered are gone, or somebody else asks."""
        await workflow.wait_condition(lambda: bool(self.line) or workflow.all_handlers_finished())

    async def carry_out(self, asked: Asked) -> None:
        commands = {
            Command.PROCESS: self.process,
            Command.SHIP: self.ship,
            Command.DELIVER: self.deliver,
            Command.CANCEL: self.cancel,
            Command.CAPTURE: self.capture_alone,
        }
        try:
            await commands[asked.instruction.command](asked)
        except (ActivityError, ApplicationError) as error:
            refusal = refusal_in(error)
            if refusal is None:
                raise
            if refusal.type == NotAllowedInState.code:
                await self.look("See where the order stands")
            asked.answer = refusal
        else:
            asked.answer = Moved(self.order.order_id, str(self.status))

    # ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────

    async def process(self, asked: Asked) -> None:
        step = self.move_of(asked.instruction)
        self.become((await self.steps.quick(FulfilmentActivities.process_order, step, "Begin to pack")).status)

    async def ship(self, asked: Asked) -> None:
        """The money that is to be taken at shipping is taken first, and not for what cannot leave."""
        told = asked.instruction
        step = ShipOrder(
            self.order.order_id,
            shipment_id=str(uuid5(UUID(self.order.order_id), asked.key)),
            by=told.by,
            carrier=told.carrier,
            tracking_number=told.tracking_number,
            lines=told.lines,
            note=told.note,
        )
        if self.is_to_capture:
            await self.steps.quick(FulfilmentActivities.check_shipment, step, "See whether it can leave")
            await self.capture()
        self.become((await self.steps.quick(FulfilmentActivities.ship_order, step, "Write the shipment")).status)

    async def deliver(self, asked: Asked) -> None:
        step = self.move_of(asked.instruction)
        self.become((await self.steps.quick(FulfilmentActivities.deliver_order, step, "Hand it over")).status)

    async def capture_alone(self, asked: Asked) -> None:
        if not self.is_to_capture:
            raise self.refused("There is no money that waits to be taken.")
        await self.capture()

    async def capture(self) -> None:
        """Gives way to a cancellation, which finds out how far it came. Raises its refusal."""
        capturing = asyncio.create_task(
            self.steps.visible(PaymentActivities.capture_payment, self.order, "Capture the payment", PROVIDER_STEP)
        )
        await workflow.wait_condition(lambda: capturing.done() or self.is_cancellation_in_line)
        if not capturing.done():
            capturing.cancel()
            raise self.refused("The order is being cancelled.")
        await capturing
        self.is_to_capture = False

    # ── the cancellation, each step of which must succeed ────────────────────────────────────────────────────────

    async def cancel(self, asked: Asked) -> None:
        told = asked.instruction
        await self.look("See where the order stands")
        is_begun = self.opened is not None and self.opened.is_being_cancelled
        is_too_late = told.is_owner and self.status is OrderStatus.SHIPPED and not is_begun
        if self.status not in CANCELLABLE or is_too_late:
            raise self.refused(f"An order that is {self.status} cannot be cancelled any more.")
        step = GiveBack(self.order.order_id, told.by)
        await self.give_money_back(step)
        await self.steps.insisted(FulfilmentActivities.give_back_unshipped, step, "Give the stock back")
        await self.expect_return(step)
        ending = CancelOrder(self.order.order_id, CancelReason.CANCELLED.value, told.by, told.note)
        await self.steps.insisted(OrderActivities.cancel_order, ending, "Write that it is cancelled")
        self.become(OrderStatus.CANCELLED)

    async def give_money_back(self, step: GiveBack) -> None:
        if self.is_to_capture:
            await self.steps.insisted(PaymentActivities.void_payment, self.order, "Let go of the money", PROVIDER_STEP)
            self.is_to_capture = False
        while refund := (await self.claim_rest(step)):
            outcome = await self.steps.insisted(
                RefundActivities.refund_payment,
                RefundInput(refund, step.order_id),
                "Give the money back",
                PROVIDER_STEP,
            )
            if outcome.status == RefundStatus.FAILED:
                await self.steps.stay_stuck("The provider refused to give the money back.")

    async def claim_rest(self, step: GiveBack) -> str | None:
        claimed = await self.steps.insisted(FulfilmentActivities.claim_rest, step, "Claim what is left of the money")
        return claimed.refund_id

    async def expect_return(self, step: GiveBack) -> None:
        """What was shipped comes back by a workflow of its own."""
        expected = await self.steps.insisted(FulfilmentActivities.expect_return, step, "Ask for what was shipped")
        if expected.return_id is None:
            return
        try:
            await workflow.start_child_workflow(
                ReturnWorkflow.run,
                ReturnInput(expected.return_id, step.order_id),
                id=return_workflow_id(expected.return_id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:  # somebody found that it was not started yet
            return

    # ── what it knows ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_long(self) -> bool:
        """Whether its history has grown so that it had better go on with a new one."""
        return workflow.info().is_continue_as_new_suggested()

    @property
    def waits_for(self) -> str | None:
        return WAITS_FOR.get(self.status) if self.status else None

    def move_of(self, told: Instruction) -> MoveOrder:
        return MoveOrder(self.order.order_id, told.by, told.note, told.cash)

    def become(self, status: str) -> None:
        if status != self.status:
            self.status = OrderStatus(status)
            upsert(ORDER_STATUS.value_set(status))
