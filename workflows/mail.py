"""Mails: one workflow gives them to others for ever, and each of those sends one, however long the relay is away.

What a mail says and to whom stands in its row alone.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.dispatching import DispatchActivities
    from activities.mail import MailActivities
    from domain.messages.mail import DispatchMails, MailDispatch, MailInput, MailResult
    from workflows.options import HEARTBEAT_TIMEOUT

MAIL_STEP = timedelta(minutes=2)
"""One attempt, start to close: above the few exchanges with the relay that a mail takes, each with its own limit."""

MAIL_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""For ever, and gentle with a relay that has just come back."""

SHIFTS = 100
"""Runs of the dispatch in one history; then it continues as new."""

SHIFT_LIMIT = timedelta(minutes=30)
"""Above what one run dispatches for. A worker that died in it is noticed by its heartbeat."""

DISPATCH_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=2))


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


@workflow.defn
class MailDispatchWorkflow:
    """Fixed id `mail-dispatch`: the one dispatcher there is."""

    @workflow.run
    async def run(self, dispatch: MailDispatch) -> None:
        for _ in range(SHIFTS):
            await workflow.execute_activity_method(
                DispatchActivities.dispatch_mails,
                DispatchMails(),
                start_to_close_timeout=SHIFT_LIMIT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=DISPATCH_RETRY,
                summary="Give mails to their workflows",
            )
        workflow.continue_as_new(dispatch)
