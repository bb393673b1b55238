"""A mail's contract with Temporal: the id of its row and nothing that stands in it. No address, no token."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class MailOutcome(StrEnum):
    SENT = "sent"
    REFUSED = "refused"  # the recipient's server knows nobody of that name
    NOT_NEEDED = "not_needed"  # the owner was faster by another one
    TO_NOBODY = "to_nobody"  # written only so that its request took as long as any other


@dataclass(frozen=True)
class MailInput:
    """All that a mail needs; the rest stands in the row of this id."""

    mail_id: str


@dataclass(frozen=True)
class MailResult:
    """`outcome` is a MailOutcome."""

    outcome: str


def mail_workflow_id(mail_id: UUID) -> str:
    return f"mail-{mail_id}"
