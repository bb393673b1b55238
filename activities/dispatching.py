"""dispatch_mails: from the rows of mails to their running workflows, the oldest first."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from core.database import Database
from core.news import Hint, News
from core.settings import Settings
from domain.messages.mail import MAIL_WORKFLOW, DispatchMails, MailInput, mail_workflow_id
from services import inbox, mails

log = structlog.get_logger()

SHIFT = timedelta(minutes=10)
"""How long one run dispatches. At the start of each it sees to what needs to be done now and then."""

LOOK_EVERY = 5.0
"""Seconds without a hint after which the rows are looked at all the same."""

PAUSE = 0.25
"""Seconds until the next look while all places are taken: nobody hints at one that is free again."""


class DispatchActivities:
    def __init__(self, database: Database, settings: Settings, shift: timedelta = SHIFT) -> None:
        self._database = database
        self._settings = settings
        self._shift = shift

    @activity.defn
    async def dispatch_mails(self, step: DispatchMails) -> None:
        """Start the workflows of mails as they are written, until the shift or the worker ends."""
        async with self._database.transaction() as session:
            await inbox.forget_old(session)
        async with News.from_settings(self._settings, "tillwright-dispatch") as news:
            with news.subscribed("mail") as hint:
                waking = asyncio.create_task(_wake_at_shutdown(hint))
                try:
                    await self._dispatch(hint)
                finally:
                    waking.cancel()

    async def _dispatch(self, hint: Hint) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._shift.total_seconds()
        while True:
            has_no_room = await self._start_next()
            left = end - loop.time()
            if left <= 0 or activity.is_worker_shutdown():
                return
            if has_no_room:
                await asyncio.sleep(PAUSE)
            else:
                await hint.wait(min(LOOK_EVERY, left))

    async def _start_next(self) -> bool:
        """Whether all places are taken now, so that more mails may wait.

        Started first and noted then: whoever dies in between, the next one meets the workflows that run.
        """
        async with self._database.reading() as session:
            room = self._settings.mails_at_once - await mails.under_way(session)
            waiting = await mails.untaken(session, room) if room > 0 else []
        if not waiting:
            return room <= 0
        for mail_id in waiting:
            await _start(activity.client(), mail_id)
        async with self._database.transaction() as session:
            await mails.mark_taken(session, waiting)
        return len(waiting) == room


async def _start(client: Client, mail_id: UUID) -> None:
    try:
        await client.start_workflow(
            MAIL_WORKFLOW,
            MailInput(str(mail_id)),
            id=mail_workflow_id(mail_id),
            task_queue=activity.info().task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"Mail {mail_id}",
        )
    except WorkflowAlreadyStartedError:
        log.debug("mail.on_its_way", mail_id=str(mail_id))


async def _wake_at_shutdown(hint: Hint) -> None:
    await activity.wait_for_worker_shutdown()
    hint.give()
