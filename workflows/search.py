"""The search index: one workflow follows the outbox for ever, another builds the index anew while it is searched."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.search import SearchActivities
    from domain.messages.search import (
        GENERATION_LOST,
        REBUILD_ID,
        BeginGeneration,
        Filled,
        FillGeneration,
        Generation,
        ProjectChanges,
        RetireGenerations,
        SearchProjection,
        SearchRebuild,
    )
    from workflows.options import HEARTBEAT_TIMEOUT
    from workflows.steps import Activity, Result

SHIFTS = 100
"""Runs of the projection in one history; then it continues as new."""

SHIFT_LIMIT = timedelta(minutes=30)
"""Above what one run follows the outbox for. A worker that died in it is noticed by its heartbeat."""

RETRY_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=2))

REBUILD_PAUSE = timedelta(seconds=2)
"""Before the next look at an index that somebody else is building."""


@workflow.defn
class SearchProjectionWorkflow:
    """Fixed id `search-projection`: the one projector there is."""

    @workflow.run
    async def run(self, projection: SearchProjection) -> None:
        for _ in range(SHIFTS):
            projected = await step(
                SearchActivities.project_changes,
                ProjectChanges(),
                "Keep the search index in step with the catalogue",
                SHIFT_LIMIT,
            )
            if projected.needs_rebuild:
                await self.rebuild()
        workflow.continue_as_new(projection)

    async def rebuild(self) -> None:
        """Build the index, or wait while somebody else does."""
        try:
            await workflow.execute_child_workflow(
                SearchRebuildWorkflow.run,
                SearchRebuild(),
                id=REBUILD_ID,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary="Build the search index anew",
            )
        except (WorkflowAlreadyStartedError, ChildWorkflowError):  # somebody else's, or ended by staff
            if workflow.cancellation_reason() is not None:
                raise
            await asyncio.sleep(REBUILD_PAUSE.total_seconds())


@workflow.defn
class SearchRebuildWorkflow:
    """Fixed id `search-rebuild`: begin → fill → swap → retire. The index that is live is searched until the swap."""

    @workflow.run
    async def run(self, rebuild: SearchRebuild) -> str:
        """The name of the generation that went live."""
        while (generation := await self.build()) is None:
            workflow.logger.warning("search.generation_lost")
        await step(SearchActivities.retire_generations, RetireGenerations(), "Drop what is no longer searched")
        return generation

    async def build(self) -> str | None:
        """None when Redis lost what was built: then it begins again."""
        name = workflow.uuid4().hex[:12]
        begun: Generation = await step(SearchActivities.begin_generation, BeginGeneration(name), "Make an empty index")
        try:
            filled = await fill(begun, after=None)
            while filled.after is not None:
                filled = await fill(begun, filled.after)
            await step(SearchActivities.swap_generation, begun, "Search the new index from now on")
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == GENERATION_LOST:
                return None
            raise
        return begun.generation


async def fill(generation: Generation, after: str | None) -> Filled:
    arguments = FillGeneration(generation.generation, after)
    return await step(SearchActivities.fill_generation, arguments, "Write the next products")


async def step(
    activity: Activity[Result], argument: object, summary: str, limit: timedelta = timedelta(minutes=5)
) -> Result:
    """Repeated for ever, and soon: what is searched is behind until it succeeds. `limit` is of one attempt."""
    return await workflow.execute_activity(
        activity,
        argument,
        start_to_close_timeout=limit,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=RETRY_SOON,
        summary=summary,
    )
