"""What a workflow is doing, read from its description and the last events of its history."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionDescription

from api.steering.finding import PATIENCE, attribute
from workflows.attributes import STUCK_STEP

EVENTS, PAGES = 250, 4
"""A history may have tens of thousands of events: what an order is doing stands among the last ones."""

BESIDE = ("tell_stuck", "extend_hold")
"""Steps that run beside the order's own."""

SHOWN = 500
"""Characters of an error."""


@dataclass(frozen=True)
class Trouble:
    """`kind` is the fact's code, or the name of the exception."""

    kind: str
    message: str


@dataclass(frozen=True)
class Step:
    """`next_retry_at` is None while it runs, and where it was refused and waits for `retry_stuck`."""

    name: str
    summary: str | None
    attempt: int
    started_at: datetime | None
    last_error: Trouble | None = None
    next_retry_at: datetime | None = None


@dataclass(frozen=True)
class Timer:
    summary: str | None
    due_at: datetime


@dataclass(frozen=True)
class Message:
    """An update that somebody still waits for."""

    name: str
    since: datetime


@dataclass(frozen=True)
class Doing:
    step: Step | None = None
    timers: list[Timer] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


async def read(temporal: Client, described: WorkflowExecutionDescription) -> Doing:
    return _Records(temporal, described, await _last_events(temporal, described)).doing()


async def _last_events(temporal: Client, described: WorkflowExecutionDescription) -> list[HistoryEvent]:
    """Oldest first."""
    events: list[HistoryEvent] = []
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=temporal.namespace,
        execution=WorkflowExecution(workflow_id=described.id, run_id=described.run_id),
        maximum_page_size=EVENTS,
    )
    for _ in range(PAGES):
        answer = await temporal.workflow_service.get_workflow_execution_history_reverse(
            request, retry=True, timeout=PATIENCE
        )
        events += answer.history.events
        request.next_page_token = answer.next_page_token
        if not answer.next_page_token:
            break
    return events[::-1]


class _Records:
    def __init__(self, temporal: Client, described: WorkflowExecutionDescription, events: Sequence[HistoryEvent]):
        self._converter = temporal.data_converter.payload_converter
        self._described = described
        self._events = events
        self._scheduled = {event.event_id: event for event, _ in self._all("activity_task_scheduled")}
        self._by_activity = {told.activity_id: event for event, told in self._all("activity_task_scheduled")}

    def doing(self) -> Doing:
        return Doing(self._step(), list(self._timers()), list(self._messages()))

    def _all(self, kind: str) -> Iterator[tuple[HistoryEvent, Any]]:
        """The events of a kind, with their attributes."""
        name = f"{kind}_event_attributes"
        for event in self._events:
            if event.HasField(name):  # type: ignore[arg-type]
                yield event, getattr(event, name)

    def _step(self) -> Step | None:
        """The one that Temporal is having done, or the one that was refused; none while somebody is waited for."""
        pending = [
            activity
            for activity in self._described.raw_description.pending_activities
            if activity.activity_type.name not in BESIDE
        ]
        if pending:
            return self._pending(max(pending, key=self._place))  # one that is being cancelled is there a while longer
        return self._refused(attribute(self._described, STUCK_STEP))

    def _place(self, activity: PendingActivityInfo) -> int:
        scheduled = self._by_activity.get(activity.activity_id)
        return scheduled.event_id if scheduled else 0

    def _pending(self, activity: PendingActivityInfo) -> Step:
        scheduled = self._by_activity.get(activity.activity_id)
        retries = activity.attempt > 1 and activity.HasField("next_attempt_schedule_time")
        return Step(
            name=activity.activity_type.name,
            summary=self._summary(scheduled) if scheduled else None,
            attempt=activity.attempt,
            started_at=_time(scheduled.event_time if scheduled else activity.scheduled_time),
            last_error=_trouble(activity.last_failure) if activity.HasField("last_failure") else None,
            next_retry_at=_time(activity.next_attempt_schedule_time) if retries else None,
        )

    def _refused(self, stuck_step: str | None) -> Step | None:
        attempts = {event.event_id: started.attempt for event, started in self._all("activity_task_started")}
        for _, failed in reversed(list(self._all("activity_task_failed"))):
            scheduled = self._scheduled.get(failed.scheduled_event_id)
            if scheduled and scheduled.activity_task_scheduled_event_attributes.activity_type.name == stuck_step:
                return Step(
                    name=stuck_step,
                    summary=self._summary(scheduled),
                    attempt=attempts.get(failed.started_event_id, 1),
                    started_at=_time(scheduled.event_time),
                    last_error=_trouble(failed.failure),
                )
        return None

    def _timers(self) -> Iterator[Timer]:
        over = {attributes.started_event_id for _, attributes in self._all("timer_fired")}
        over |= {attributes.started_event_id for _, attributes in self._all("timer_canceled")}
        for event, started in self._all("timer_started"):
            if event.event_id not in over:
                due_at = event.event_time.ToDatetime(UTC) + started.start_to_fire_timeout.ToTimedelta()
                yield Timer(self._summary(event), due_at)

    def _messages(self) -> Iterator[Message]:
        done = {completed.accepted_event_id for _, completed in self._all("workflow_execution_update_completed")}
        for event, accepted in self._all("workflow_execution_update_accepted"):
            if event.event_id not in done:
                yield Message(accepted.accepted_request.input.name, event.event_time.ToDatetime(UTC))

    def _summary(self, event: HistoryEvent) -> str | None:
        if not event.user_metadata.HasField("summary"):
            return None
        return str(self._converter.from_payload(event.user_metadata.summary, str))


def _time(stamp: Any) -> datetime:
    moment: datetime = stamp.ToDatetime(UTC)
    return moment


def _trouble(failure: Failure) -> Trouble:
    """What it says, and never its stack trace."""
    kind: str = failure.WhichOneof("failure_info") or "failure"
    if failure.HasField("application_failure_info"):
        kind = failure.application_failure_info.type or kind
    return Trouble(kind.removesuffix("_failure_info"), failure.message[:SHOWN])
