"""Mails as rows: written, inert, in the transaction of what they tell of, then dispatched and sent by their workflow.

The token that a mail carries is never kept. It follows from the mail's id and a secret of the settings, so that a mail
sent twice carries the same one, and the row gets its SHA-256 when the mail goes out. Its time begins then too.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Self
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import col

from core.settings import Settings
from domain.errors import MailTokenInvalid
from domain.permissions import Role
from models.accounts import Mail, MailPurpose, User
from models.customers import Preferences
from models.notifications import Notification
from models.orders import Order
from services.sessions import hash_of

AT_MOST_AN_HOUR = 3
"""Mails of one purpose to one account: who asks for the hundredth has the token of the third, and only that one."""

KEPT_FOR = timedelta(days=30)

PLACE_KEPT_FOR = timedelta(minutes=10)
"""How long a mail under way keeps others waiting. Above the pause between two tries, so that a relay that is back is
not overrun; and not for ever: a few mailboxes that are always full must not hold up everybody else's mail."""

_ASKED_FOR = {MailPurpose.VERIFY_EMAIL, MailPurpose.PASSWORD_RESET, MailPurpose.ALREADY_REGISTERED}
"""By anybody who knows the address; the others follow from what the owner did."""


@dataclass(frozen=True)
class Terms:
    """How tokens are made, and how long they are good. A purpose without a lifetime has no token."""

    secret: bytes
    lifetimes: Mapping[MailPurpose, timedelta]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        lifetimes = {
            MailPurpose.VERIFY_EMAIL: settings.verify_email_lifetime,
            MailPurpose.PASSWORD_RESET: settings.password_reset_lifetime,
        }
        return cls(settings.mail_token_secret.get_secret_value().encode(), lifetimes)

    def token_of(self, mail: Mail) -> str | None:
        if mail.purpose not in self.lifetimes:
            return None
        code = hmac.digest(self.secret, f"{mail.purpose}:{mail.id}".encode(), sha256)
        return urlsafe_b64encode(code).decode().rstrip("=")


@dataclass(frozen=True)
class About:
    """What a mail says beside its row: to whom it speaks in which language, and what a notice tells of which order."""

    language: str | None
    is_wanted: bool
    notification: Notification | None
    order: Order | None


async def write(session: AsyncSession, purpose: MailPurpose, email: str) -> UUID:
    """The id of a mail to the account of this address, which is dispatched after the commit.

    Always one row by the same statements: for an unknown address, a deactivated account, or a recipient who got enough
    of these for now, it is one that goes to nobody. What is asked for at once for one address, known or not, comes one
    after the other until the commit, so that each counts those before it.
    """
    mail_id = uuid4()
    if purpose in _ASKED_FOR:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(email.lower(), 0))))
    people = (col(User.email) == email.lower(), col(User.is_active), col(User.role) != Role.SERVICE.value)
    owner = select(col(User.id), col(User.email)).where(*people).subquery()
    lately = (
        select(func.count())
        .where(
            col(Mail.user_id) == owner.c.id,
            col(Mail.purpose) == purpose.value,
            col(Mail.recipient).is_not(None),
            col(Mail.created_at) > func.now() - timedelta(hours=1),
        )
        .scalar_subquery()
    )
    is_wanted = lately < AT_MOST_AN_HOUR if purpose in _ASKED_FOR else true()
    one = select(literal(1)).subquery()
    row = {
        "id": literal(mail_id),
        "user_id": owner.c.id,
        "purpose": literal(purpose.value),
        "recipient": case((is_wanted, owner.c.email)),
    }
    rows = select(*row.values()).select_from(one.outerjoin(owner, true()))
    await session.execute(insert(Mail).from_select(list(row), rows))
    return mail_id


async def take(session: AsyncSession, mail_id: UUID, terms: Terms) -> Mail | None:
    """The mail, for its workflow to send, or None. One that was neither sent nor used gets the hash of its token."""
    mail = await session.get(Mail, mail_id, with_for_update=True)
    if mail is None:
        return None
    mail.taken_at = mail.taken_at or datetime.now(UTC)
    if not (mail.sent_at or mail.used_at) and (token := terms.token_of(mail)):
        mail.token_hash = hash_of(token)
        mail.expires_at = datetime.now(UTC) + terms.lifetimes[MailPurpose(mail.purpose)]
    return mail


async def about(session: AsyncSession, mail: Mail) -> About:
    """A notice is not wanted any more from the moment that its recipient declines such mails, or is deactivated."""
    wants = col(User.is_active) & func.coalesce(col(Preferences.order_emails), true())
    statement = (
        select(col(Preferences.language), wants | literal(mail.purpose != MailPurpose.NOTICE), Notification, Order)
        .select_from(User)
        .outerjoin(Preferences, col(Preferences.user_id) == col(User.id))
        .outerjoin(Notification, col(Notification.id) == mail.notification_id)
        .outerjoin(Order, col(Order.id) == col(Notification.order_id))
        .where(col(User.id) == mail.user_id)
    )
    return About(*(await session.execute(statement)).one())


async def mark_over(session: AsyncSession, mail: Mail) -> None:
    """There is nothing left to do, though it was not sent."""
    await session.execute(update(Mail).where(col(Mail.id) == mail.id).values(over_at=func.now()))


async def mark_sent(session: AsyncSession, mail: Mail) -> None:
    """And forget the old ones of this account."""
    sent = {"sent_at": func.now(), "over_at": func.now()}
    await session.execute(update(Mail).where(col(Mail.id) == mail.id).values(**sent))
    old = (col(Mail.user_id) == mail.user_id, col(Mail.created_at) < func.now() - KEPT_FOR)
    await session.execute(delete(Mail).where(*old))


async def drop(session: AsyncSession, mail_id: UUID) -> None:
    """One that goes to nobody. Nothing happens where there is none."""
    await session.execute(delete(Mail).where(col(Mail.id) == mail_id))


async def untaken(session: AsyncSession, limit: int) -> list[UUID]:
    """The oldest that no workflow was given."""
    statement = select(col(Mail.id)).where(col(Mail.taken_at).is_(None)).order_by(col(Mail.created_at), col(Mail.id))
    return list((await session.execute(statement.limit(limit))).scalars())


async def under_way(session: AsyncSession) -> int:
    """How many were given to a workflow lately and are not over."""
    lately = col(Mail.taken_at) > func.now() - PLACE_KEPT_FOR
    statement = select(func.count()).select_from(Mail).where(col(Mail.over_at).is_(None), lately)
    return (await session.execute(statement)).scalar_one()


async def mark_taken(session: AsyncSession, mail_ids: Collection[UUID]) -> None:
    """Their workflows run. One that has begun with its mail has noted that by itself."""
    untaken_yet = (col(Mail.id).in_(mail_ids), col(Mail.taken_at).is_(None))
    await session.execute(update(Mail).where(*untaken_yet).values(taken_at=func.now()))


async def owner_of(session: AsyncSession, purpose: MailPurpose, token: str) -> UUID:
    """Whose mail carried this token, if it is still good. Raises MailTokenInvalid."""
    return await _one(session, select(col(Mail.user_id)).where(*_good(purpose, token)))


async def redeem(session: AsyncSession, purpose: MailPurpose, token: str, address: str) -> UUID:
    """The same, noting that it was used and from where. Raises MailTokenInvalid."""
    statement = update(Mail).where(*_good(purpose, token)).values(used_at=func.now(), used_from=address)
    return await _one(session, statement.returning(col(Mail.user_id)))


async def use_up(session: AsyncSession, user_id: UUID, purpose: MailPurpose) -> None:
    """All tokens of this purpose that are under way to this account."""
    open_ones = (col(Mail.user_id) == user_id, col(Mail.purpose) == purpose.value, col(Mail.used_at).is_(None))
    await session.execute(update(Mail).where(*open_ones).values(used_at=func.now()))


def _good(purpose: MailPurpose, token: str) -> tuple[ColumnElement[bool], ...]:
    """A click on a link of verification may be a double click; a password is reset once."""
    is_unused = col(Mail.used_at).is_(None) if purpose is MailPurpose.PASSWORD_RESET else true()
    sent = (col(Mail.token_hash) == hash_of(token), col(Mail.purpose) == purpose.value)
    return (*sent, col(Mail.expires_at) > func.now(), is_unused)


async def _one(session: AsyncSession, statement: Select[UUID | None] | ReturningUpdate[UUID | None]) -> UUID:
    user_id = (await session.execute(statement)).scalar()
    if user_id is None:
        raise MailTokenInvalid
    return user_id
