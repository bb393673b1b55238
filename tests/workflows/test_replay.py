"""Orders in flight outlive a deployment: every recorded history replays with the workflow as it is now."""

import base64
import json

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from domain.messages.checkout import CheckoutInput, CheckoutResult
from tests.builders import ADDRESS
from tests.histories import FOLDER, recorded
from worker import WORKFLOWS
from workflows.checkout import CheckoutWorkflow

HISTORIES = recorded()
PATHS = {
    "a-card-order-is-authorised-confirmed-and-captured-once",
    "a-cod-order-waits-for-staff-and-is-confirmed-by-the-signal",
    "nobody-decides-and-the-hold-ends-after-two-reminders",
    "another-card-pays-after-a-failed-3d-secure",
    "a-refused-undo-waits-for-retry-stuck",
    "the-first-projection-builds-the-index-and-goes-on-shift-by-shift",
    "an-index-is-built-beside-the-live-one",
}

PATHS_SINCE = {
    "0.2.0": {
        "an-order-by-card-is-processed-shipped-and-delivered-fulfilment",
        "an-order-is-shipped-in-parts-and-as-a-whole-with-the-last-of-them-fulfilment",
        "mails-are-dispatched-as-they-are-written-shift-by-shift",
        "a-return-is-approved-received-restocked-and-refunded",
        "a-refund-tells-whoever-waits-for-it",
        "money-given-back-in-the-providers-dashboard-is-booked-once-and-told",
    },
}


@workflow.defn(name="CheckoutWorkflow")
class CaptureFirst(CheckoutWorkflow):
    """The mistake that a replay has to catch: steps in another order."""

    @workflow.init
    def __init__(self, checkout: CheckoutInput) -> None:
        super().__init__(checkout)

    @workflow.run
    async def run(self, checkout: CheckoutInput) -> CheckoutResult:
        return await super().run(checkout)

    async def tell(self) -> None:
        await self.place()
        await self.reserve()
        await self.pay()
        await self.capture()
        await self.confirm()


@workflow.defn(name="CheckoutWorkflow")
class NeverReminds(CheckoutWorkflow):
    """The same with a timer that is gone."""

    @workflow.init
    def __init__(self, checkout: CheckoutInput) -> None:
        super().__init__(checkout)

    @workflow.run
    async def run(self, checkout: CheckoutInput) -> CheckoutResult:
        return await super().run(checkout)

    async def wait_for_staff(self) -> None:
        await self.take_cart_lines()
        self.answer()
        await self.steps.wait("staff", self.is_decided)


async def replay(history: WorkflowHistory, *workflows: type) -> None:
    replayer = Replayer(workflows=workflows or WORKFLOWS, workflow_runner=UnsandboxedWorkflowRunner())
    await replayer.replay_workflow(history)


def test_every_version_has_the_paths_that_matter() -> None:
    versions = {path.parent for path in FOLDER.rglob("*.json")}
    assert versions
    for version in versions:
        since = [paths for first, paths in PATHS_SINCE.items() if parsed(first) <= parsed(version.name)]
        assert {path.stem for path in version.glob("*.json")} >= PATHS.union(*since), version.name


def parsed(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@pytest.mark.parametrize("name", HISTORIES)
async def test_a_recorded_history_replays(name: str) -> None:
    history = HISTORIES[name]
    assert len(history.events) > 5
    await replay(history)


@pytest.mark.parametrize(
    ("path", "mutation"),
    [
        ("a-card-order-is-authorised-confirmed-and-captured-once", CaptureFirst),
        ("nobody-decides-and-the-hold-ends-after-two-reminders", NeverReminds),
    ],
)
async def test_a_replay_catches_a_change_that_would_break_orders_in_flight(path: str, mutation: type) -> None:
    for name, history in HISTORIES.items():
        if name.endswith(f"/{path}.json"):
            with pytest.raises(NondeterminismError):
                await replay(history, mutation)


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_holds_ids_and_facts_but_no_person_and_no_token(name: str) -> None:
    text = (FOLDER / name).read_text()
    told = [text, *(base64.b64decode(payload).decode() for payload in payloads(json.loads(text)))]
    assert len(told) > 1
    for secret in ("@example.com", "pm_card", *(value for value in ADDRESS.values() if value and len(value) > 2)):
        assert not any(secret in part for part in told), secret


def payloads(value: object) -> list[str]:
    """Every payload in a history, wherever it stands; still in base64."""
    if isinstance(value, list):
        return [found for item in value for found in payloads(item)]
    if isinstance(value, dict):
        own = [value["data"]] if isinstance(value.get("data"), str) else []
        return own + [found for item in value.values() for found in payloads(item)]
    return []
