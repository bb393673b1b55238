"""The mail relay as the shop sees it. One implementation: `gateways/smtp_mail.py`."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """A mail to one recipient, in plain text and in HTML. The same `id` is the same mail, however often it is sent.

    `unsubscribe` is the page where the recipient may decline mails of its kind.
    """

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str
    language: str = "en"
    unsubscribe: str | None = None


class MailGateway(Protocol):
    async def send(self, message: Message) -> None:
        """Returns when the relay has taken it. Raises MailRelayAway, and RecipientRefused where nobody is to get it."""
        ...


class MailRelayAway(Exception):
    """No answer, or one that another try may change. It may have been sent all the same: `id` tells two from one."""


class RecipientRefused(Exception):
    """There is no such mailbox: another try changes nothing."""
