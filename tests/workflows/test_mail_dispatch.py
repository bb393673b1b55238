"""Mails are given to workflows as they are written: in order, not too many at once, whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from activities.dispatching import DispatchActivities
from activities.mail import MailActivities
from core.database import Database
from core.settings import Settings
from domain.messages.mail import DispatchMails, MailDispatch, MailOutcome, MailResult, mail_workflow_id
from gateways.mail import Message
from models.accounts import MailPurpose
from services import mails
from tests.builders import Shop
from tests.fakes.mail import FakeMail
from tests.histories import record
from tests.workflows.test_checkout_undone import wait_until
from worker import running_workers
from workflows.mail import MailDispatchWorkflow, MailWorkflow

Workers = Callable[..., AbstractAsyncContextManager[Worker]]
StartDispatch = Callable[[], Any]
Handle = WorkflowHandle[Any, Any]

PLACES = 3


class Counter(FakeMail):
    """Is busy with each mail for as long as `is_open` is not set, and counts how many came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.busy = self.most = 0

    async def send(self, message: Message) -> None:
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await self.is_open.wait()
            await super().send(message)
        finally:
            self.busy -= 1


@pytest.fixture
def relay() -> Counter:
    return Counter()


@pytest.fixture
def own(settings: Settings) -> Settings:
    """With a queue of this test alone: a dispatch of another one must not find its worker."""
    changes = {"task_queue": f"mails-{uuid4().hex}", "worker_graceful_shutdown": timedelta(seconds=5)}
    return settings.model_copy(update=changes | {"mails_at_once": PLACES})


@pytest.fixture
def workers(temporal: Client, own: Settings, database: Database, relay: Counter) -> Workers:
    def worker(shift: timedelta = timedelta(minutes=1), **changes: Any) -> AbstractAsyncContextManager[Worker]:
        settings = own.model_copy(update=changes)
        dispatch = DispatchActivities(database, settings, shift).dispatch_mails
        return running_workers(temporal, settings, [dispatch, MailActivities(database, relay, settings).send_mail])

    return worker


@pytest.fixture
async def dispatch(temporal: Client, own: Settings, request: pytest.FixtureRequest) -> AsyncIterator[StartDispatch]:
    """`await dispatch()` starts it; it is recorded and ended after the test."""
    handles: list[Handle] = []

    async def start() -> Handle:
        handles.append(
            await temporal.start_workflow(
                MailDispatchWorkflow.run, MailDispatch(), id=f"dispatch-{uuid4()}", task_queue=own.task_queue
            )
        )
        return handles[0]

    yield start
    for handle in handles:
        if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
            record(request.node.name, await handle.fetch_history())
        await handle.terminate()


async def written(shop: Shop, count: int = 1) -> list[UUID]:
    """Mails to as many accounts, the oldest first."""
    ids = []
    for _ in range(count):
        email = f"{uuid4().hex}@example.com"
        await shop.user(email=email)
        async with shop.database.transaction() as session:
            ids.append(await mails.write(session, MailPurpose.VERIFY_EMAIL, email))
    return ids


async def until_sent(relay: FakeMail, mail_ids: list[UUID]) -> None:
    async def have_come() -> bool:
        return len(relay.sent) >= len(mail_ids)

    await wait_until(have_come, 30)
    assert sorted(message.id for message in relay.sent) == sorted(mail_ids)


@pytest.mark.history
async def test_mails_are_dispatched_as_they_are_written_shift_by_shift(
    shop: Shop, relay: Counter, workers: Workers, dispatch: StartDispatch
) -> None:
    before = await written(shop, 2)
    async with workers(shift=timedelta(milliseconds=300)):
        handle = await dispatch()
        await until_sent(relay, before)
        after = await written(shop, 2)
        await until_sent(relay, before + after)

        async def has_begun_another_shift() -> bool:
            history = await handle.fetch_history()
            shifts = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
            return len(shifts) > 1

        await wait_until(has_begun_another_shift, 30)


async def test_a_mail_is_sent_without_waiting_for_the_next_look(
    shop: Shop, relay: Counter, workers: Workers, dispatch: StartDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres hints at it: without, it would be looked for in an hour."""
    monkeypatch.setattr("activities.dispatching.LOOK_EVERY", 3600.0)
    async with workers():
        await dispatch()
        sent: list[UUID] = []
        for _ in range(3):
            sent += await written(shop)
            await until_sent(relay, sent)


async def test_mails_go_out_in_the_order_in_which_they_were_written(
    shop: Shop, relay: Counter, workers: Workers, dispatch: StartDispatch
) -> None:
    ids = await written(shop, 5)
    async with workers(mails_at_once=1):
        await dispatch()
        await until_sent(relay, ids)
    assert [message.id for message in relay.sent] == ids


async def test_no_more_are_under_way_than_there_are_places_and_the_others_wait_as_rows(
    shop: Shop, relay: Counter, workers: Workers, dispatch: StartDispatch
) -> None:
    relay.is_open.clear()
    ids = await written(shop, 4 * PLACES)
    async with workers():
        await dispatch()

        async def is_busy() -> bool:
            return relay.busy == PLACES

        await wait_until(is_busy, 30)
        ids += await written(shop)
        assert await shop.rows("SELECT count(*) FROM mails WHERE taken_at IS NULL") == [(len(ids) - PLACES,)]
        relay.is_open.set()
        await until_sent(relay, ids)
    assert relay.most == PLACES


async def test_another_worker_takes_over_from_one_that_stopped(
    shop: Shop, relay: Counter, workers: Workers, dispatch: StartDispatch
) -> None:
    async with workers():
        await dispatch()
        ids = await written(shop)
        await until_sent(relay, ids)
    ids += await written(shop, 2)
    async with workers():
        await until_sent(relay, ids)


# ── one look at the rows, without a worker ───────────────────────────────────────────────────────────────────────────


async def look(client: Client, database: Database, settings: Settings) -> None:
    """A shift that is over after its first look."""
    environment = ActivityEnvironment(client=client)
    environment.info = replace(environment.info, task_queue=settings.task_queue)
    activities = DispatchActivities(database, settings, timedelta(microseconds=1))
    await environment.run(activities.dispatch_mails, DispatchMails())


async def test_a_dispatcher_that_dies_before_it_noted_what_it_started_starts_nothing_twice(
    shop: Shop, temporal: Client, database: Database, own: Settings
) -> None:
    (mail_id,) = await written(shop)
    sending = temporal.get_workflow_handle(mail_workflow_id(mail_id))
    runs = set()
    for _ in range(3):
        await look(temporal, database, own)
        runs.add((await sending.describe()).run_id)
        await shop.rows("UPDATE mails SET taken_at = NULL")
    assert len(runs) == 1
    await sending.terminate()


async def test_a_mail_whose_place_was_given_to_another_is_left_to_its_workflow(
    shop: Shop, temporal: Client, database: Database, own: Settings
) -> None:
    """Mailboxes that are full for ever do not hold up everybody else's mail."""
    stuck = await written(shop, PLACES)
    await look(temporal, database, own)
    waiting = await written(shop)
    await look(temporal, database, own)
    assert await shop.rows("SELECT id FROM mails WHERE taken_at IS NULL") == [(waiting[0],)]
    await shop.rows("UPDATE mails SET taken_at = taken_at - interval '11 minutes'")
    await look(temporal, database, own)
    assert await shop.rows("SELECT id FROM mails WHERE taken_at IS NULL") == []
    for mail_id in stuck + waiting:
        await temporal.get_workflow_handle(mail_workflow_id(mail_id)).terminate()


async def test_a_relay_that_is_down_for_an_hour_gets_each_mail_once_when_it_is_back(
    shop: Shop, time_skipping: WorkflowEnvironment, skipping_client: Client, database: Database, own: Settings,
    relay: Counter,
) -> None:  # fmt: skip
    ids = await written(shop, PLACES)
    relay.away = tries = 1000
    async with running_workers(skipping_client, own, [MailActivities(database, relay, own).send_mail]):
        await look(skipping_client, database, own)
        for _ in range(12):
            await time_skipping.sleep(timedelta(minutes=5))
        assert relay.away < tries - 15 * PLACES
        assert relay.sent == []
        relay.away = 0
        await time_skipping.sleep(timedelta(minutes=5))
        for mail_id in ids:
            sending = skipping_client.get_workflow_handle_for(MailWorkflow.run, mail_workflow_id(mail_id))
            assert await sending.result() == MailResult(MailOutcome.SENT)
    assert sorted(message.id for message in relay.sent) == sorted(ids)
