"""From a mail's row to its running workflow. The row comes first, in the transaction of what it tells of."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from core.database import Database
from core.settings import Settings
from domain.messages.mail import MailInput, mail_workflow_id
from services import mails
from workflows.mail import MailWorkflow

log = structlog.get_logger()

UNSENT_AFTER = timedelta(seconds=60)
"""A row this old that no workflow has begun with was left behind: by a crash, or because Temporal was away."""

PATIENCE = 2.0
"""Seconds that a request waits for Temporal, whose client alone would go on for ten or more."""

AT_ONCE = 200
"""Rows that one look for what was left behind takes up; the next look takes more."""


class Mails:
    def __init__(self, database: Database, temporal: Client, settings: Settings) -> None:
        self._database = database
        self._temporal = temporal
        self._task_queue = settings.task_queue

    async def send(self, mail_id: UUID) -> None:
        """After the commit. Where Temporal is away the row waits for `keep_sending`: the request was done."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._start(mail_id)
        except (RPCError, TimeoutError) as error:
            log.warning("mail.left_for_later", mail_id=str(mail_id), error=type(error).__name__)

    async def _start(self, mail_id: UUID) -> None:
        try:
            await self._temporal.start_workflow(
                MailWorkflow.run,
                MailInput(str(mail_id)),
                id=mail_workflow_id(mail_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                static_summary=f"Mail {mail_id}",
            )
        except WorkflowAlreadyStartedError:
            log.debug("mail.on_its_way", mail_id=str(mail_id))

    async def send_untaken(self) -> int:
        """Start what was left behind; how many there were."""
        async with self._database.reading() as session:
            left = await mails.untaken(session, UNSENT_AFTER, AT_ONCE)
        for mail_id in left:
            await self._start(mail_id)
        return len(left)

    async def keep_sending(self) -> None:
        """Runs as long as the API does."""
        while True:
            await asyncio.sleep(UNSENT_AFTER.total_seconds() / 3)
            try:
                if left := await self.send_untaken():
                    log.info("mail.taken_up", mails=left)
            except Exception as error:
                log.warning("mail.taking_up_failed", error=type(error).__name__)
