"""One mail: sent at least once, however long the relay is away. What it says and to whom stands in its row alone."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.mail import MailActivities
    from domain.messages.mail import MailInput, MailResult
    from workflows.options import HEARTBEAT_TIMEOUT

MAIL_STEP = timedelta(minutes=2)
"""One attempt, start to close: above the few exchanges with the relay that a mail takes, each with its own limit."""

MAIL_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""For ever, and gentle with a relay that has just come back."""


@workflow.defn
class MailWorkflow:
    @workflow.run
    async def run(self, mail: MailInput) -> MailResult:
        return await workflow.execute_activity_method(
            MailActivities.send_mail,
            mail,
            start_to_close_timeout=MAIL_STEP,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=MAIL_RETRY,
            summary="Send the mail",
        )
