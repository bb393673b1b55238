"""Mails as rows: one for each request whoever asks, tokens that nobody keeps, each good once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from domain.errors import MailTokenInvalid
from models.accounts import Mail, MailPurpose
from services import mails
from services.mails import AT_MOST_AN_HOUR, Terms
from tests.builders import Shop

ADA = "ada@example.com"
RESET, VERIFY = MailPurpose.PASSWORD_RESET, MailPurpose.VERIFY_EMAIL
TERMS = Terms(b"a secret of thirty-two characters", {RESET: timedelta(hours=1), VERIFY: timedelta(days=3)})


@pytest.fixture
async def ada(shop: Shop) -> UUID:
    return await shop.user(email=ADA)


async def write(shop: Shop, purpose: MailPurpose = RESET, email: str = ADA) -> UUID:
    async with shop.database.transaction() as session:
        return await mails.write(session, purpose, email)


async def take(shop: Shop, mail_id: UUID, terms: Terms = TERMS) -> Mail:
    async with shop.database.transaction() as session:
        mail = await mails.take(session, mail_id, terms)
    assert mail is not None
    return mail


async def mailed(shop: Shop, purpose: MailPurpose = RESET) -> str:
    """The token of a mail that went out."""
    token = TERMS.token_of(await take(shop, await write(shop, purpose)))
    assert token is not None
    return token


async def redeem(shop: Shop, token: str, purpose: MailPurpose = RESET) -> UUID:
    async with shop.database.transaction() as session:
        return await mails.redeem(session, purpose, token, "192.0.2.7")


async def is_good(shop: Shop, token: str, purpose: MailPurpose = RESET) -> bool:
    try:
        async with shop.database.reading() as session:
            await mails.owner_of(session, purpose, token)
    except MailTokenInvalid:
        return False
    return True


async def recipient(shop: Shop, mail_id: UUID) -> str | None:
    ((found,),) = await shop.rows("SELECT recipient FROM mails WHERE id = :id", id=mail_id)
    return str(found) if found else None


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("purpose", MailPurpose)
async def test_a_mail_to_an_account_has_its_recipient(shop: Shop, purpose: MailPurpose) -> None:
    assert await recipient(shop, await write(shop, purpose, "ADA@example.com")) == ADA


@pytest.mark.parametrize(
    "change", ["email = 'bob@example.com'", "is_active = false", "role = 'service'"], ids=lambda c: str(c).split()[0]
)
async def test_whoever_is_not_to_get_a_mail_has_a_row_all_the_same_which_goes_to_nobody(
    shop: Shop, ada: UUID, change: str
) -> None:
    await shop.rows(f"UPDATE users SET {change} WHERE id = :id", id=ada)  # noqa: S608
    assert await recipient(shop, await write(shop)) is None


@pytest.mark.usefixtures("ada")
async def test_nobodys_mailbox_is_filled_by_somebody_who_knows_the_address(shop: Shop) -> None:
    written = [await recipient(shop, await write(shop)) for _ in range(AT_MOST_AN_HOUR + 2)]
    assert written == [ADA] * AT_MOST_AN_HOUR + [None] * 2
    assert await recipient(shop, await write(shop, VERIFY)) == ADA, "counted by purpose"
    await shop.rows("UPDATE mails SET created_at = created_at - interval '1 hour 1 second'")
    assert await recipient(shop, await write(shop)) == ADA


@pytest.mark.usefixtures("ada")
async def test_nor_by_somebody_who_asks_ten_times_at_once(shop: Shop) -> None:
    written = await asyncio.gather(*(write(shop) for _ in range(10)))
    recipients = [await recipient(shop, mail_id) for mail_id in written]
    assert recipients.count(ADA) == AT_MOST_AN_HOUR


@pytest.mark.usefixtures("ada")
async def test_an_owner_is_told_of_each_change_of_the_password(shop: Shop) -> None:
    written = [await write(shop, MailPurpose.PASSWORD_CHANGED) for _ in range(AT_MOST_AN_HOUR + 2)]
    assert {await recipient(shop, mail_id) for mail_id in written} == {ADA}


async def test_a_token_leads_to_its_owner_once(shop: Shop, ada: UUID) -> None:
    token = await mailed(shop)
    assert await redeem(shop, token) == ada
    assert not await is_good(shop, token)
    with pytest.raises(MailTokenInvalid):
        await redeem(shop, token)


@pytest.mark.usefixtures("ada")
async def test_of_ten_uses_of_a_token_at_once_one_is_good(shop: Shop) -> None:
    token = await mailed(shop)
    outcomes = await asyncio.gather(*(redeem(shop, token) for _ in range(10)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["MailTokenInvalid"] * 9 + ["UUID"]


async def test_a_second_click_on_a_link_of_verification_is_no_error(shop: Shop, ada: UUID) -> None:
    token = await mailed(shop, VERIFY)
    assert [await redeem(shop, token, VERIFY) for _ in range(2)] == [ada, ada]


@pytest.mark.usefixtures("ada")
async def test_a_token_is_good_for_its_own_purpose_and_its_time_alone(shop: Shop) -> None:
    token = await mailed(shop, VERIFY)
    assert await is_good(shop, token, VERIFY)
    assert not await is_good(shop, token, RESET)
    await shop.rows("UPDATE mails SET expires_at = now() - interval '1 second'")
    assert not await is_good(shop, token, VERIFY)


@pytest.mark.usefixtures("ada")
async def test_nothing_in_the_database_is_good_as_a_token(shop: Shop) -> None:
    token = await mailed(shop)
    ((row,),) = await shop.rows("SELECT m::text FROM mails m")
    assert token not in row
    for kept in row.strip("()").split(","):
        assert not await is_good(shop, kept)


@pytest.mark.usefixtures("ada")
async def test_a_mail_that_is_taken_again_carries_the_same_token_and_has_its_whole_time_before_it(shop: Shop) -> None:
    mail_id = await write(shop)
    first = TERMS.token_of(await take(shop, mail_id))
    await shop.rows("UPDATE mails SET expires_at = now() - interval '1 second'")
    assert TERMS.token_of(await take(shop, mail_id)) == first
    assert first
    assert await is_good(shop, first)


@pytest.mark.usefixtures("ada")
async def test_a_mail_that_goes_out_after_a_change_of_the_secret_carries_a_good_token(shop: Shop) -> None:
    mail_id = await write(shop)
    other = Terms(b"another one of thirty-two characters", TERMS.lifetimes)
    before, after = TERMS.token_of(await take(shop, mail_id)), other.token_of(await take(shop, mail_id, other))
    assert before
    assert after
    assert [await is_good(shop, token) for token in (before, after)] == [False, True]


async def test_all_tokens_of_an_account_are_used_up_together(shop: Shop, ada: UUID) -> None:
    tokens = [await mailed(shop) for _ in range(2)]
    async with shop.database.transaction() as session:
        await mails.use_up(session, ada, RESET)
    assert [await is_good(shop, token) for token in tokens] == [False, False]


async def test_a_mail_that_was_sent_or_is_not_needed_any_more_is_left_as_it_is(shop: Shop, ada: UUID) -> None:
    sent, used = await write(shop), await write(shop)
    await take(shop, used)
    async with shop.database.transaction() as session:
        mail = await mails.take(session, sent, TERMS)
        assert mail
        await mails.mark_sent(session, mail)
        await mails.use_up(session, ada, RESET)
    before = await shop.rows("SELECT * FROM mails ORDER BY id")
    await take(shop, sent)
    await take(shop, used)
    assert await shop.rows("SELECT * FROM mails ORDER BY id") == before


@pytest.mark.usefixtures("ada")
async def test_what_no_workflow_was_given_is_found_and_the_oldest_first(shop: Shop) -> None:
    waiting = [await write(shop, MailPurpose.PASSWORD_CHANGED) for _ in range(3)]
    await take(shop, await write(shop))
    async with shop.database.transaction() as session:
        assert await mails.untaken(session, 2) == waiting[:2]
        await mails.mark_taken(session, waiting[:1])
        assert await mails.untaken(session, 10) == waiting[1:]


@pytest.mark.usefixtures("ada")
async def test_a_mail_has_its_place_from_when_it_is_taken_until_it_is_over(shop: Shop) -> None:
    first, second, third = [await write(shop, MailPurpose.PASSWORD_CHANGED) for _ in range(3)]
    async with shop.database.transaction() as session:
        assert await mails.under_way(session) == 0
        await mails.mark_taken(session, [first, second, third])
        assert await mails.under_way(session) == 3
        await mails.mark_sent(session, await session.get_one(Mail, first))
        await mails.mark_over(session, await session.get_one(Mail, second))
        assert await mails.under_way(session) == 1


@pytest.mark.usefixtures("ada")
async def test_a_mail_that_nobody_takes_for_long_keeps_no_other_waiting(shop: Shop) -> None:
    mail_id = await write(shop)
    async with shop.database.transaction() as session:
        await mails.mark_taken(session, [mail_id])
    await shop.rows("UPDATE mails SET taken_at = taken_at - interval '11 minutes'")
    async with shop.database.transaction() as session:
        assert await mails.under_way(session) == 0
        assert await mails.untaken(session, 10) == [], "its workflow goes on"


async def test_a_mail_that_is_not_needed_any_more_is_not_looked_for_again(shop: Shop, ada: UUID) -> None:
    """The owner was faster by another one: this one's workflow began when there was nothing left to send."""
    mail_id = await write(shop)
    async with shop.database.transaction() as session:
        await mails.use_up(session, ada, RESET)
    assert (await take(shop, mail_id)).token_hash is None
    async with shop.database.reading() as session:
        assert await mails.untaken(session, 10) == []


@pytest.mark.usefixtures("ada")
async def test_old_mails_of_an_account_are_forgotten_with_the_next(shop: Shop) -> None:
    old = await write(shop)
    await shop.rows("UPDATE mails SET created_at = created_at - interval '31 days'")
    new = await take(shop, await write(shop))
    async with shop.database.transaction() as session:
        await mails.mark_sent(session, new)
    assert await shop.rows("SELECT id FROM mails") == [(new.id,)]
    assert old != new.id
