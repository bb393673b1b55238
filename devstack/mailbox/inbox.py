"""The mails that came, in memory: the newest first, the oldest forgotten."""

import email
import email.policy
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import uuid4

KEPT = 500
"""Mails."""


@dataclass(frozen=True)
class Letter:
    """`message_id` is the sender's: the same one twice is one mail that was sent twice."""

    id: str
    message_id: str
    at: datetime
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str


class Inbox:
    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=KEPT)

    def take(self, sender: str, recipients: list[str], content: bytes) -> Letter:
        message = email.message_from_bytes(content, policy=email.policy.default)
        letter = Letter(
            id=uuid4().hex,
            message_id=str(message["Message-ID"] or ""),
            at=datetime.now(UTC),
            sender=sender,
            recipients=recipients,
            subject=str(message["Subject"] or ""),
            text=_part(message, "plain"),
            html=_part(message, "html"),
        )
        self._letters.appendleft(letter)
        return letter

    def newest(self, limit: int, recipient: str | None = None) -> list[Letter]:
        """`recipient` in any case."""
        wanted = recipient.lower() if recipient else None
        theirs = [
            letter for letter in self._letters if wanted is None or wanted in (to.lower() for to in letter.recipients)
        ]
        return theirs[:limit]

    def find(self, letter_id: str) -> Letter | None:
        return next((letter for letter in self._letters if letter.id == letter_id), None)

    def clear(self) -> None:
        self._letters.clear()


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""
