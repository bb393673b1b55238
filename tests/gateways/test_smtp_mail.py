"""Mail by SMTP, to a real server: what arrives, and how a refusal is told from an outage."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from traceback import format_exception
from uuid import UUID

import pytest

from core.settings import Settings, SmtpSecurity
from devstack.mailbox.inbox import Inbox, Letter
from devstack.mailbox.smtp import listen
from devstack.servers.ports import free_port
from gateways.mail import MailRelayAway, Message, RecipientRefused
from gateways.smtp_mail import SmtpMail

MAIL = Message(UUID(int=7), "ada@example.com", "Grüße – Tillwright", "In plain text: ✓\n", "<p>In HTML: ✓</p>\n")

Relay = Callable[[str], AbstractAsyncContextManager[SmtpMail]]


@pytest.fixture
def relay() -> Relay:
    """A relay that answers to RCPT with this line."""

    @asynccontextmanager
    async def run(answer: str) -> AsyncIterator[SmtpMail]:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 here\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                writer.write((answer if verb == b"RCPT" else "250 fine").encode() + b"\r\n")
                if verb == b"QUIT":
                    break
            writer.close()

        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        async with server:
            yield gateway(server.sockets[0].getsockname()[1])

    return run


def gateway(port: int, security: SmtpSecurity = SmtpSecurity.NONE) -> SmtpMail:
    return SmtpMail("127.0.0.1", port, security, "Shop <shop@example.com>", "", "")


async def test_a_mail_arrives_as_it_was_meant(settings: Settings, letters: Inbox) -> None:
    await SmtpMail.from_settings(settings).send(MAIL)
    (letter,) = letters.newest(10)
    assert (letter.recipients, letter.subject) == (["ada@example.com"], MAIL.subject)
    assert (letter.text.strip(), letter.html.strip()) == (MAIL.text.strip(), MAIL.html.strip())
    assert letter.sender == "store@tillwright.example"


async def test_a_mail_that_is_sent_twice_says_that_it_is_the_same(settings: Settings, letters: Inbox) -> None:
    for _ in range(2):
        await SmtpMail.from_settings(settings).send(MAIL)
    assert [letter.message_id for letter in letters.newest(10)] == [f"<mail.{MAIL.id}@tillwright.example>"] * 2


@pytest.mark.parametrize("page", ["https://shop.example/preferences", None])
async def test_a_mail_says_its_language_and_where_such_mails_are_declined(page: str | None) -> None:
    kept: list[EmailMessage] = []

    class Keeper(Inbox):
        def take(self, sender: str, recipients: list[str], content: bytes) -> Letter:
            kept.append(message_from_bytes(content, policy=policy.default))
            return super().take(sender, recipients, content)

    port = free_port()
    async with await listen(Keeper(), "127.0.0.1", port):
        await gateway(port).send(replace(MAIL, language="de", unsubscribe=page))
    (letter,) = kept
    assert letter["Content-Language"] == "de"
    assert letter["List-Unsubscribe"] == (f"<{page}>" if page else None)
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]


async def test_an_address_that_is_not_ascii_gets_its_mail(settings: Settings, letters: Inbox) -> None:
    await SmtpMail.from_settings(settings).send(Message(MAIL.id, "žofie@example.com", "s", "t", "h"))
    assert letters.newest(1)[0].recipients == ["žofie@example.com"]


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "551 not here", "553 what is that?"])
async def test_a_mailbox_that_does_not_exist_is_no_outage(relay: Relay, answer: str) -> None:
    async with relay(answer) as mail:
        with pytest.raises(RecipientRefused):
            await mail.send(MAIL)


@pytest.mark.parametrize("answer", ["450 4.2.1 greylisted", "550 5.7.1 relaying denied", "554 go away", "421 closing"])
async def test_what_another_try_or_a_mended_relay_may_change_is_tried_again(relay: Relay, answer: str) -> None:
    async with relay(answer) as mail:
        with pytest.raises(MailRelayAway) as told:
            await mail.send(MAIL)
    assert "ada" not in "".join(format_exception(told.value)), "what is raised stands in the Web UI and in the log"


async def test_a_relay_that_takes_ascii_alone_gets_a_domain_as_the_dns_has_it(relay: Relay) -> None:
    async with relay("450 4.2.1 greylisted") as mail:
        with pytest.raises(MailRelayAway):
            await mail.send(replace(MAIL, recipient="zofie@bücher.example"))
        with pytest.raises(RecipientRefused):
            await mail.send(replace(MAIL, recipient="žofie@bücher.example"))


async def test_a_relay_that_is_not_there_is_away() -> None:
    with pytest.raises(MailRelayAway):
        await gateway(free_port()).send(MAIL)


async def test_nothing_is_sent_in_the_clear_where_encryption_is_asked_for(settings: Settings, letters: Inbox) -> None:
    """The relay of this run has none."""
    for security in (SmtpSecurity.STARTTLS, SmtpSecurity.TLS):
        with pytest.raises(MailRelayAway):
            await gateway(settings.smtp_port, security).send(MAIL)
    assert letters.newest(1) == []
