"""Mail by SMTP."""

import re
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Self

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

from core.settings import Settings, SmtpSecurity
from gateways.mail import MailRelayAway, Message, RecipientRefused

TIMEOUT = 20.0
"""Seconds for each exchange with the relay."""

_NO_MAILBOX = {550, 551, 553}
_POLICY = re.compile(r"5\.7\.")
"""RFC 3463: the relay refuses us, not the mailbox. That is mended on our side, and then the mail goes out."""


class SmtpMail:
    """A connection for each mail: they are few, and a relay hangs up on one that says nothing."""

    def __init__(self, host: str, port: int, security: SmtpSecurity, sender: str, username: str, password: str) -> None:
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]
        self._host, self._port = host, port
        self._security = security
        self._username, self._password = username or None, password or None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            settings.mail_from,
            settings.smtp_username,
            settings.smtp_password.get_secret_value(),
        )

    async def send(self, message: Message) -> None:
        try:
            await aiosmtplib.send(
                self._letter(message),
                hostname=self._host,
                port=self._port,
                use_tls=self._security is SmtpSecurity.TLS,
                start_tls=self._security is SmtpSecurity.STARTTLS,
                username=self._username,
                password=self._password,
                timeout=TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            (refusal,) = error.recipients
            if refusal.code in _NO_MAILBOX and not _POLICY.match(refusal.message):
                raise RecipientRefused(f"the relay answered {refusal.code}") from None
            raise MailRelayAway(f"the relay refused the recipient: {refusal.code}") from None
        except aiosmtplib.SMTPNotSupported:
            raise RecipientRefused("the relay takes ASCII addresses alone") from None
        except aiosmtplib.SMTPResponseException as error:
            raise MailRelayAway(f"the relay answered {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailRelayAway(f"the relay does not answer: {type(error).__name__}") from None

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Message-ID"] = f"<mail.{message.id}@{self._domain}>"
        letter["Date"] = formatdate()
        letter["From"] = self._sender
        letter["To"] = _as_ascii(message.recipient)
        letter["Subject"] = message.subject
        letter["Auto-Submitted"] = "auto-generated"
        if message.unsubscribe:
            letter["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        letter.set_content(message.text)
        letter.add_alternative(message.html, subtype="html")
        letter["Content-Language"] = message.language  # last: whatever sets the content clears such headers
        return letter


def _as_ascii(address: str) -> str:
    """With its domain as the DNS has it, which every relay takes; a name that is not ASCII stays as it is."""
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address
