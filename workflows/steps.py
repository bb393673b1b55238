"""Running an order's steps, and knowing what it is doing: which step, what it waits for, whether it is stuck."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from domain.messages.steering import TellStuck
    from domain.queues import queue_of
    from workflows import details
    from workflows.attributes import ORDER_ID, STUCK_STEP, WAITING_FOR, upsert
    from workflows.options import DATABASE_STEP, HEARTBEAT_TIMEOUT, LOCAL_PATIENCE, LOCAL_RETRY, RETRY_FOR_EVER, Terms

Result = TypeVar("Result")
Activity = Callable[..., Coroutine[Any, Any, Result]]


def refusal_in(error: BaseException) -> ApplicationError | None:
    """The domain's refusal behind a failed step: what retrying cannot change."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause if isinstance(cause, ApplicationError) and cause.non_retryable else None


class Steps:
    """The steps of one order. `stuck_after` is how long one may keep failing before staff are shown it."""

    def __init__(self, stuck_after: timedelta = timedelta(minutes=1)) -> None:
        self.stuck_after = stuck_after
        self.current, self._doing = "start", "Start"
        self.waiting_for: str | None = None
        self.stuck_step: str | None = None
        self.last_error: str | None = None
        self._retry_asked = False

    async def quick(self, activity: Activity[Result], argument: object, summary: str) -> Result:
        """A short database step: local, and a regular activity when that cannot do it. Raises its refusal."""
        self._begin(activity, summary)
        try:
            return await workflow.execute_local_activity(
                activity,
                argument,
                schedule_to_close_timeout=LOCAL_PATIENCE,
                retry_policy=LOCAL_RETRY,
                summary=summary,
            )
        except FailureError as error:  # bare where a local step is replayed, or ran out of tries
            if is_cancelled_exception(error) or refusal_in(error):
                raise
        return await self.visible(activity, argument, summary)

    async def visible(
        self, activity: Activity[Result], argument: object, summary: str, terms: Terms = DATABASE_STEP
    ) -> Result:
        """A regular activity, retried for ever and shown as stuck after a while. Raises its refusal."""
        self._begin(activity, summary)
        self._retry_asked = False
        while True:
            handle = workflow.start_activity(
                activity,
                argument,
                task_queue=queue_of(workflow.info().task_queue, terms.provider),
                start_to_close_timeout=terms.limit,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RETRY_FOR_EVER,
                summary=summary,
            )
            try:
                await self._until_done_or_retried(handle)
            except asyncio.CancelledError:
                handle.cancel()
                raise
            if handle.done():
                self._unstick()
                return await handle
            handle.cancel()  # `retry_stuck`: do not wait for the next attempt of this one

    async def insisted(
        self, activity: Activity[Result], argument: object, summary: str, terms: Terms = DATABASE_STEP
    ) -> Result:
        """A step that must succeed: one that is refused is stuck, and runs again at each `retry_stuck`."""
        while True:
            try:
                return await self.visible(activity, argument, summary, terms)
            except ActivityError as error:
                refusal = refusal_in(error)
                if refusal is None:
                    raise
                await self.stay_stuck(refusal.message)

    async def stay_stuck(self, error: str) -> None:
        """Show the step as stuck until somebody sends `retry_stuck`."""
        self._mark_stuck(error)
        await self.wait("retry_stuck", lambda: self._retry_asked)

    async def beside(self, activity: Activity[Result], argument: object, summary: str) -> Result:
        """A database step that is not the story's: what the order is doing stays what it is. Raises its refusal."""
        try:
            return await self._start_beside(activity, argument, summary)
        except ActivityError as error:
            raise refusal_in(error) or error from error

    async def wait(
        self, what: str, until: Callable[[], bool], timeout: timedelta | None = None, summary: str | None = None
    ) -> bool:
        """Wait, visibly, for somebody. False when `timeout` came first."""
        if until():
            return True
        self._say_waiting_for(what)
        try:
            await workflow.wait_condition(until, timeout=timeout, timeout_summary=summary)
        except (TimeoutError, asyncio.CancelledError) as error:  # no `finally`: it would run at an eviction too
            self._say_waiting_for(None)
            if isinstance(error, TimeoutError):
                return False
            raise
        self._say_waiting_for(None)
        return True

    def retry(self) -> None:
        """`retry_stuck`: run what is stuck now. Means nothing when nothing is stuck."""
        if self.stuck_step is not None:
            self._retry_asked = True

    async def _until_done_or_retried(self, handle: workflow.ActivityHandle[Any]) -> None:
        try:
            await workflow.wait_condition(
                lambda: handle.done() or self._retry_asked,
                timeout=self.stuck_after,
                timeout_summary=f"show {self.current} as stuck",
            )
        except TimeoutError:
            self._mark_stuck("keeps failing: its attempts and last error stand at the pending activity")
            await workflow.wait_condition(lambda: handle.done() or self._retry_asked)
        self._retry_asked = False

    def _begin(self, activity: Activity[Any], summary: str) -> None:
        self.current, self._doing = activity.__name__, summary
        self._show()

    def _show(self) -> None:
        """In the Web UI. It is no command: a replay knows nothing of it."""
        workflow.set_current_details(details.tell(self._doing, self.waiting_for, self.stuck_step, self.last_error))

    def _mark_stuck(self, error: str) -> None:
        is_news = self.stuck_step is None
        self.stuck_step, self.last_error = self.current, error
        upsert(STUCK_STEP.value_set(self.current))
        self._show()
        if is_news:
            self._tell_stuck(self.current)

    def _tell_stuck(self, step: str) -> None:
        """Staff are told beside the story, which neither waits for it nor ends later for it."""
        order_id = workflow.info().typed_search_attributes.get(ORDER_ID)
        if order_id is None or not workflow.patched("tell-stuck"):
            return
        told = TellStuck(order_id, step, int(workflow.now().timestamp() * 1000))
        handle = self._start_beside(OrderActivities.tell_stuck, told, "Tell staff that it is stuck")
        handle.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, or asyncio complains

    def _start_beside(
        self, activity: Activity[Result], argument: object, summary: str
    ) -> workflow.ActivityHandle[Result]:
        return workflow.start_activity(
            activity,
            argument,
            start_to_close_timeout=DATABASE_STEP.limit,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRY_FOR_EVER,
            summary=summary,
        )

    def _unstick(self) -> None:
        if self.stuck_step is not None:
            self.stuck_step = self.last_error = None
            upsert(STUCK_STEP.value_unset())
            self._show()

    def _say_waiting_for(self, what: str | None) -> None:
        if what != self.waiting_for:
            self.waiting_for = what
            upsert(WAITING_FOR.value_unset() if what is None else WAITING_FOR.value_set(what))
            self._show()
