"""send_mail: from a mail's row to the relay. There is no undo: what was sent is sent."""

from uuid import UUID

import structlog
from temporalio import activity

from core.database import Database
from core.settings import Settings
from domain.messages.mail import MailInput, MailOutcome, MailResult
from gateways.mail import MailGateway, Message, RecipientRefused
from models.accounts import Mail, MailPurpose
from services import letters, mails
from services.letters import Rendered, Store
from services.mails import About, Terms
from services.words import Speech

log = structlog.get_logger()


class MailActivities:
    def __init__(self, database: Database, gateway: MailGateway, settings: Settings) -> None:
        self._database = database
        self._gateway = gateway
        self._terms = Terms.from_settings(settings)
        self._store = Store(settings.store_name, settings.store_url)

    @activity.defn
    async def send_mail(self, step: MailInput) -> MailResult:
        """Write and send it, at least once: a worker that dies before it has noted that sends it again, as the same."""
        mail_id = UUID(step.mail_id)
        async with self._database.transaction() as session:
            mail = await mails.take(session, mail_id, self._terms)
            if mail is None or mail.recipient is None:
                await mails.drop(session, mail_id)
                return MailResult(MailOutcome.TO_NOBODY)
            about = await mails.about(session, mail)
            if mail.used_at or not about.is_wanted:
                await mails.mark_over(session, mail)
        if mail.sent_at:
            return MailResult(MailOutcome.SENT)
        if mail.used_at or not about.is_wanted:
            return MailResult(MailOutcome.NOT_NEEDED)
        return MailResult(await self._send(mail, mail.recipient, self._words(mail, about)))

    def _words(self, mail: Mail, about: About) -> Rendered:
        speech = Speech.of(about.language)
        if about.notification and about.order:
            return letters.of_notice(about.notification, about.order, speech, self._store)
        return letters.of_account(MailPurpose(mail.purpose), self._terms.token_of(mail), speech, self._store)

    async def _send(self, mail: Mail, recipient: str, words: Rendered) -> MailOutcome:
        message = Message(mail.id, recipient, words.subject, words.text, words.html, words.language, words.unsubscribe)
        try:
            await self._gateway.send(message)
        except RecipientRefused as refusal:
            log.warning("mail.refused", mail_id=str(mail.id), reason=str(refusal))
            async with self._database.transaction() as session:
                await mails.mark_over(session, mail)
            return MailOutcome.REFUSED
        async with self._database.transaction() as session:
            await mails.mark_sent(session, mail)
        return MailOutcome.SENT
