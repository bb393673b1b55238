"""send_mail: at least once, always the same mail, and never to nobody."""

from uuid import UUID, uuid4

import pytest

from activities.mail import MailActivities
from core.database import Database
from core.settings import Settings
from domain.messages.mail import MailInput, MailOutcome
from gateways.mail import MailRelayAway
from models.accounts import MailPurpose
from services import mails
from tests.activities.conftest import run
from tests.builders import Shop
from tests.fakes.mail import FakeMail

ADA = "ada@example.com"


@pytest.fixture
def relay() -> FakeMail:
    return FakeMail()


@pytest.fixture
def activities(database: Database, relay: FakeMail, settings: Settings) -> MailActivities:
    return MailActivities(database, relay, settings)


@pytest.fixture
async def mail_id(shop: Shop) -> UUID:
    """Of a mail with which to choose a new password."""
    await shop.user(email=ADA)
    return await written(shop)


async def written(shop: Shop, email: str = ADA) -> UUID:
    async with shop.database.transaction() as session:
        return await mails.write(session, MailPurpose.PASSWORD_RESET, email)


async def send(activities: MailActivities, mail_id: UUID) -> str:
    return (await run(activities.send_mail, MailInput(str(mail_id)))).outcome


async def is_noted_as_sent(shop: Shop, mail_id: UUID) -> bool:
    return bool(await shop.rows("SELECT 1 FROM mails WHERE id = :id AND sent_at IS NOT NULL", id=mail_id))


async def test_a_mail_is_sent_to_its_owner_with_a_token_that_is_good(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID
) -> None:
    assert await send(activities, mail_id) == MailOutcome.SENT
    (message,) = relay.sent
    assert (message.id, message.recipient) == (mail_id, ADA)
    token = message.text.split("#token=")[1].split()[0]
    async with shop.database.reading() as session:
        await mails.owner_of(session, MailPurpose.PASSWORD_RESET, token)
    assert await is_noted_as_sent(shop, mail_id)


async def test_a_mail_that_was_sent_is_not_sent_again(
    activities: MailActivities, relay: FakeMail, mail_id: UUID
) -> None:
    assert [await send(activities, mail_id) for _ in range(2)] == [MailOutcome.SENT] * 2
    assert len(relay.sent) == 1


async def test_a_mail_whose_sending_was_not_noted_is_sent_again_as_the_same(
    activities: MailActivities, relay: FakeMail, mail_id: UUID
) -> None:
    relay.loses_answers = 1
    with pytest.raises(MailRelayAway):
        await send(activities, mail_id)
    assert await send(activities, mail_id) == MailOutcome.SENT
    first, second = relay.sent
    assert first == second


async def test_a_relay_that_is_away_leaves_the_mail_to_the_next_try(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID
) -> None:
    relay.away = 1
    with pytest.raises(MailRelayAway):
        await send(activities, mail_id)
    assert not await is_noted_as_sent(shop, mail_id)
    assert await send(activities, mail_id) == MailOutcome.SENT


async def test_a_recipient_that_is_refused_ends_it(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID
) -> None:
    relay.refuses = True
    assert await send(activities, mail_id) == MailOutcome.REFUSED
    assert not await is_noted_as_sent(shop, mail_id)


async def test_a_mail_to_nobody_and_one_that_is_not_there_leave_nothing_behind(
    activities: MailActivities, relay: FakeMail, shop: Shop
) -> None:
    for mail_id in (await written(shop, "nobody@example.com"), uuid4()):
        assert await send(activities, mail_id) == MailOutcome.TO_NOBODY
        assert await send(activities, mail_id) == MailOutcome.TO_NOBODY
    assert relay.sent == []
    assert await shop.rows("SELECT 1 FROM mails") == []


async def test_a_mail_that_the_owner_does_not_need_any_more_is_not_sent(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID
) -> None:
    await shop.rows("UPDATE mails SET used_at = now()")
    assert await send(activities, mail_id) == MailOutcome.NOT_NEEDED
    assert relay.sent == []
