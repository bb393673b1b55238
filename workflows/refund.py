"""A refund that staff asked for: one step, visible while it lasts, and an answer to whoever waits for it.

Its row was written before it started, and is what another start meets: the step finds out what is done already.
"""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundActivities
    from domain.messages.checkout import Progress
    from domain.messages.refunds import RefundInput, RefundOutcome
    from domain.orders import RefundStatus
    from workflows.options import PROVIDER_STEP
    from workflows.steps import Steps


@workflow.defn
class RefundWorkflow:
    @workflow.init
    def __init__(self, refund: RefundInput) -> None:
        self.refund = refund
        self.steps = Steps()
        self.result: RefundOutcome | None = None

    @workflow.run
    async def run(self, refund: RefundInput) -> RefundOutcome:
        self.result = await self.steps.insisted(
            RefundActivities.refund_payment, refund, "Give the money back", PROVIDER_STEP
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.result

    @workflow.update
    async def outcome(self, refund: RefundInput) -> RefundOutcome:
        """Waits until the money is on its way, or the provider has refused."""
        await workflow.wait_condition(lambda: self.result is not None)
        return self.result or RefundOutcome(refund.refund_id, RefundStatus.PENDING)

    @workflow.signal
    def retry_stuck(self, *arguments: Any) -> None:
        self.steps.retry()

    @workflow.signal
    def payment_news(self, *arguments: Any) -> None:
        """A webhook says that something happened to it: one that waits long for its next look looks now."""
        self.steps.retry()

    @workflow.query
    def progress(self) -> Progress:
        return Progress(
            order_id=self.refund.order_id,
            order_number=None,
            status=self.result.status if self.result else RefundStatus.PENDING,
            step=self.steps.current,
            waiting_for=self.steps.waiting_for,
            stuck_step=self.steps.stuck_step,
            last_error=self.steps.last_error,
        )
