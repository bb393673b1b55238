"""Mails on a server that skips time: a relay that is away for hours loses none."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.mail import MailActivities
from core.database import Database
from core.settings import Settings
from domain.messages.mail import MailInput, MailOutcome, MailResult, mail_workflow_id
from models.accounts import MailPurpose
from services import mails
from tests.builders import Shop
from tests.fakes.mail import FakeMail
from tests.histories import record
from worker import running_workers
from workflows.mail import MailWorkflow

QUEUE = "mail-tests"

Sending = WorkflowHandle[MailWorkflow, MailResult]


@pytest.fixture
def relay() -> FakeMail:
    return FakeMail()


@pytest.fixture
async def mail_worker(
    skipping_client: Client, settings: Settings, database: Database, relay: FakeMail
) -> AsyncIterator[Worker]:
    own = settings.model_copy(update={"task_queue": QUEUE})
    async with running_workers(skipping_client, own, [MailActivities(database, relay, own).send_mail]) as worker:
        yield worker


@pytest.fixture
async def sending(
    skipping_client: Client, mail_worker: Worker, request: pytest.FixtureRequest, shop: Shop
) -> AsyncIterator[Sending]:
    """A mail with which to choose a new password, on its way."""
    await shop.user(email="ada@example.com")
    async with shop.database.transaction() as session:
        mail_id = await mails.write(session, MailPurpose.PASSWORD_RESET, "ada@example.com")
    started = await start(skipping_client, mail_id)
    yield started
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        record(request.node.name, await started.fetch_history())


async def start(client: Client, mail_id: UUID) -> Sending:
    handle: Sending = await client.start_workflow(
        MailWorkflow.run, MailInput(str(mail_id)), id=mail_workflow_id(mail_id), task_queue=QUEUE
    )
    return handle


@pytest.mark.history
async def test_a_mail_is_sent(sending: Sending, relay: FakeMail) -> None:
    assert await sending.result() == MailResult(MailOutcome.SENT)
    assert len(relay.sent) == 1


@pytest.mark.history
async def test_a_mail_waits_for_a_relay_that_is_away(sending: Sending, relay: FakeMail) -> None:
    relay.away = 40
    assert await sending.result() == MailResult(MailOutcome.SENT)
    assert len(relay.sent) == 1


async def test_a_mail_that_is_gone_ends_its_workflow(skipping_client: Client, mail_worker: Worker) -> None:
    handle = await start(skipping_client, uuid4())
    assert (await handle.result()).outcome == MailOutcome.TO_NOBODY
    assert mail_worker.is_running
