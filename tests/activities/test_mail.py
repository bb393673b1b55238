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


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def notice_id(shop: Shop) -> UUID:
    """Of a mail that tells Ada that her order is confirmed."""
    await shop.product("LAMP", price=1999)
    await shop.confirmed({"LAMP": 2}, user_id=await shop.user(email=ADA))
    ((mail_id,),) = await shop.rows("SELECT id FROM mails")
    return UUID(str(mail_id))


async def prefer(shop: Shop, language: str, *, order_emails: bool = True) -> None:
    await shop.rows(
        "INSERT INTO preferences (user_id, language, currency, order_emails, marketing_emails) "
        "SELECT id, :language, 'USD', :wants, false FROM users WHERE email = :email",
        language=language,
        wants=order_emails,
        email=ADA,
    )


async def test_a_notice_is_sent_in_the_language_of_its_recipient_and_can_be_declined(
    activities: MailActivities, relay: FakeMail, shop: Shop, notice_id: UUID, settings: Settings
) -> None:
    await prefer(shop, "fr")
    assert await send(activities, notice_id) == MailOutcome.SENT
    (message,) = relay.sent
    assert (message.recipient, message.language) == (ADA, "fr")
    assert message.subject.startswith("La commande TW-")
    assert "Total: 39,98\xa0$US" in message.text
    assert message.unsubscribe == f"{settings.store_url}/preferences"


@pytest.mark.parametrize("change", ["preferences", "users"])
async def test_a_notice_that_is_not_wanted_any_more_is_not_sent(
    activities: MailActivities, relay: FakeMail, shop: Shop, notice_id: UUID, change: str
) -> None:
    """Declined, or the account deactivated, while it waited for the relay."""
    if change == "preferences":
        await prefer(shop, "en", order_emails=False)
    else:
        await shop.rows("UPDATE users SET is_active = false")
    for _ in range(2):
        assert await send(activities, notice_id) == MailOutcome.NOT_NEEDED
    assert relay.sent == []
    assert await is_over(shop, notice_id)


async def test_who_declines_mails_about_orders_gets_those_about_the_account(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID
) -> None:
    await prefer(shop, "es", order_emails=False)
    assert await send(activities, mail_id) == MailOutcome.SENT
    assert relay.sent[0].subject.startswith("Elija una contraseña nueva")
    assert relay.sent[0].unsubscribe is None


async def test_a_notice_of_a_person_who_was_erased_meanwhile_goes_to_nobody(
    activities: MailActivities, relay: FakeMail, shop: Shop, notice_id: UUID
) -> None:
    await shop.rows("DELETE FROM notifications")
    assert await send(activities, notice_id) == MailOutcome.TO_NOBODY
    assert relay.sent == []


@pytest.mark.parametrize("end", ["sent", "refused", "used"])
async def test_a_mail_gives_its_place_free_however_it_ends(
    activities: MailActivities, relay: FakeMail, shop: Shop, mail_id: UUID, end: str
) -> None:
    relay.away = 1
    with pytest.raises(MailRelayAway):
        await send(activities, mail_id)
    assert not await is_over(shop, mail_id)
    relay.refuses = end == "refused"
    if end == "used":
        await shop.rows("UPDATE mails SET used_at = now()")
    await send(activities, mail_id)
    assert await is_over(shop, mail_id)


async def is_over(shop: Shop, mail_id: UUID) -> bool:
    return bool(await shop.rows("SELECT 1 FROM mails WHERE id = :id AND over_at IS NOT NULL", id=mail_id))
