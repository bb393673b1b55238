"""The mails' contract with Temporal: the ids of their rows and nothing that stands in them. No address, no token."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

DISPATCH_ID = "mail-dispatch"
MAIL_WORKFLOW = "MailWorkflow"


class MailOutcome(StrEnum):
    SENT = "sent"
    REFUSED = "refused"  # the recipient's server knows nobody of that name
    NOT_NEEDED = "not_needed"  # the owner was faster by another one, or does not want it any more
    TO_NOBODY = "to_nobody"  # written only so that its request took as long as any other


@dataclass(frozen=True)
class MailInput:
    """All that a mail needs; the rest stands in the row of this id."""

    mail_id: str


@dataclass(frozen=True)
class MailResult:
    """`outcome` is a MailOutcome."""

    outcome: str


@dataclass(frozen=True)
class MailDispatch:
    """Nothing: which mails wait stands in their rows."""


@dataclass(frozen=True)
class DispatchMails:
    """Give mails to workflows for a while."""


def mail_workflow_id(mail_id: UUID) -> str:
    return f"mail-{mail_id}"
