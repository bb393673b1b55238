"""The SMTP server: takes everything that is not too large, from anybody on this machine."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.mailbox.inbox import Inbox

SIZE_LIMIT = 1024 * 1024
"""Bytes of one mail."""


class _Handler:
    """What aiosmtpd asks; it names the method."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        letter = self._inbox.take(
            envelope.mail_from or "", envelope.rcpt_tos, content if isinstance(content, bytes) else content.encode()
        )
        return f"250 Kept as {letter.id}"


async def listen(inbox: Inbox, host: str, port: int) -> asyncio.Server:
    """Raises OSError where the port is taken."""
    handler = _Handler(inbox)
    loop = asyncio.get_running_loop()

    def converse() -> SMTP:
        return SMTP(handler, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True, loop=loop)

    return await loop.create_server(converse, host, port)
