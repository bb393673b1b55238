"""The reconciliation: the provider's journal against our books, page by page, and what differs is mended or reported.

    begin → page after page, each settled at once → what was in motion, once it has come to rest → finish

It runs by the schedule `payments-reconciliation`, and whenever staff ask for it.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import ReconciliationActivities
    from domain.messages.reconciliation import (
        BeginReconciliation,
        Begun,
        Compared,
        ComparePage,
        FinishReconciliation,
        Place,
        ReconciliationInput,
        ReconciliationResult,
        SettleDifference,
    )
    from workflows.options import PROVIDER_STEP, Terms
    from workflows.steps import Steps

PAGE_STEP = Terms(timedelta(minutes=5), provider=PROVIDER_STEP.provider)
"""Above what a slow provider needs for a page, and for our payments that were not on it."""


@workflow.defn
class ReconciliationWorkflow:
    @workflow.init
    def __init__(self, wanted: ReconciliationInput) -> None:
        self.place = wanted.place or Place(wanted.reconciliation_id or str(workflow.uuid4()))
        self.steps = Steps()

    @workflow.run
    async def run(self, wanted: ReconciliationInput) -> ReconciliationResult:
        begun = await self.begin()
        if wanted.intent_ref:
            self.place = replace(self.place, compared=1, moving=[wanted.intent_ref])
        else:
            await self.compare(begun)
        if self.place.moving:
            pause = timedelta(seconds=begun.settling_seconds)
            await workflow.sleep(pause, summary="let what is in motion come to rest")
            await self.settle(self.place.moving)
        return await self.finish()

    async def begin(self) -> Begun:
        step = BeginReconciliation(self.place.reconciliation_id)
        begun = await self.steps.quick(ReconciliationActivities.begin_reconciliation, step, "Write that it begins")
        self.steps.stuck_after = timedelta(seconds=begun.stuck_after_seconds)
        return begun

    async def compare(self, begun: Begun) -> None:
        """The newest page first. A long journal goes on in a new run, where this one ended."""
        while True:
            page = await self.compare_page(ComparePage(begun.since, self.place.after, self.place.until))
            await self.settle(page.differing)
            self.place = Place(
                self.place.reconciliation_id,
                page.after,
                page.until,
                self.place.compared + page.compared,
                [*self.place.moving, *page.moving],
            )
            if page.after is None:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ReconciliationInput(place=self.place))

    async def compare_page(self, page: ComparePage) -> Compared:
        return await self.steps.insisted(
            ReconciliationActivities.compare_page, page, "Compare a page of the provider's journal", PAGE_STEP
        )

    async def settle(self, refs: list[str]) -> None:
        for ref in refs:
            step = SettleDifference(self.place.reconciliation_id, ref)
            await self.steps.insisted(
                ReconciliationActivities.settle_difference, step, f"Look at {ref} again", PROVIDER_STEP
            )

    async def finish(self) -> ReconciliationResult:
        step = FinishReconciliation(self.place.reconciliation_id, self.place.compared)
        return await self.steps.quick(ReconciliationActivities.finish_reconciliation, step, "Count what was found")

    @workflow.signal
    def retry_stuck(self, *arguments: Any) -> None:
        self.steps.retry()
