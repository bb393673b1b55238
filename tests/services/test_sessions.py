"""Sessions: one sign-in and its family of refresh tokens, each good once, ended for good and at once."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from domain.errors import NotSignedIn, WrongCredentials
from domain.permissions import Role
from services import sessions
from services.sessions import EndReason, Opened, Reused, SignIn, ended_key
from tests.builders import Shop

HASH = "the hash of Ada's password"
MONTH = timedelta(days=30)


@pytest.fixture
async def ada(shop: Shop) -> UUID:
    return await shop.user(password_hash=HASH)


async def sign_in(shop: Shop, user_id: UUID, password_hash: str = HASH, lifetime: timedelta = MONTH) -> Opened:
    async with shop.database.transaction() as session:
        who = SignIn(user_id, password_hash, "192.0.2.1", "curl/8")
        return await sessions.open_session(session, who, lifetime)


async def refresh(shop: Shop, token: str) -> Opened | Reused:
    async with shop.database.transaction() as session:
        return await sessions.refresh(session, token)


async def refreshed(shop: Shop, token: str) -> Opened:
    outcome = await refresh(shop, token)
    assert isinstance(outcome, Opened)
    return outcome


async def is_over(shop: Shop, token: str) -> bool:
    try:
        await refreshed(shop, token)
    except NotSignedIn:
        return True
    return False


async def end_all(shop: Shop, user_id: UUID, but: UUID | None = None) -> set[UUID]:
    async with shop.database.transaction() as session:
        return set(await sessions.end_sessions(session, user_id, EndReason.LOGOUT_ALL, but))


async def ten_seconds_pass(shop: Shop) -> None:
    await shop.rows("UPDATE refresh_tokens SET used_at = used_at - interval '10 seconds 1 millisecond'")


async def end_reason(shop: Shop, session_id: UUID) -> str | None:
    ((reason,),) = await shop.rows("SELECT end_reason FROM user_sessions WHERE id = :id", id=session_id)
    return str(reason) if reason else None


async def test_each_refresh_gives_another_token_of_the_same_session(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    tokens, token = {opened.refresh_token}, opened.refresh_token
    for _ in range(3):
        again = await refreshed(shop, token)
        assert (again.user_id, again.session_id, again.role) == (ada, opened.session_id, Role.CUSTOMER)
        token = again.refresh_token
        tokens.add(token)
    assert len(tokens) == 4


async def test_no_token_is_kept_as_it_is(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    ((kept,),) = await shop.rows("SELECT t::text FROM refresh_tokens t")
    assert opened.refresh_token not in kept
    assert len(opened.refresh_token) >= 43, "256 bits"


async def test_a_token_that_is_used_again_ends_the_session_for_the_thief_and_for_the_owner(
    shop: Shop, ada: UUID
) -> None:
    stolen = (await sign_in(shop, ada)).refresh_token
    owners = await refreshed(shop, stolen)
    await ten_seconds_pass(shop)
    assert await refresh(shop, stolen) == Reused(owners.session_id)
    assert await is_over(shop, owners.refresh_token)
    assert await is_over(shop, stolen)
    assert await end_reason(shop, owners.session_id) == EndReason.TOKEN_REUSED


async def test_two_tabs_that_refresh_within_ten_seconds_both_go_on(shop: Shop, ada: UUID) -> None:
    shared = (await sign_in(shop, ada)).refresh_token
    tabs = [await refreshed(shop, shared) for _ in range(2)]
    assert tabs[0].refresh_token != tabs[1].refresh_token
    for tab in tabs:
        await refreshed(shop, tab.refresh_token)


async def test_the_grace_begins_with_the_first_use_and_is_not_renewed(shop: Shop, ada: UUID) -> None:
    token = (await sign_in(shop, ada)).refresh_token
    await refreshed(shop, token)
    await shop.rows("UPDATE refresh_tokens SET used_at = used_at - interval '6 seconds' WHERE used_at IS NOT NULL")
    await refreshed(shop, token)
    await shop.rows("UPDATE refresh_tokens SET used_at = used_at - interval '6 seconds' WHERE used_at IS NOT NULL")
    assert isinstance(await refresh(shop, token), Reused)


async def test_twenty_refreshes_of_one_token_at_once_all_succeed(shop: Shop, ada: UUID) -> None:
    token = (await sign_in(shop, ada)).refresh_token
    opened = await asyncio.gather(*(refreshed(shop, token) for _ in range(20)))
    assert len({one.refresh_token for one in opened}) == 20
    assert len({one.session_id for one in opened}) == 1


async def test_reuse_while_the_owner_refreshes_ends_the_session_and_nothing_waits_for_the_other(
    shop: Shop, ada: UUID
) -> None:
    """Both orders of the two are good; that one would lock what the other wants is not."""
    for _ in range(10):
        stolen = (await sign_in(shop, ada)).refresh_token
        owners = await refreshed(shop, stolen)
        await ten_seconds_pass(shop)
        outcomes = await asyncio.gather(
            *(refresh(shop, token) for token in (stolen, owners.refresh_token) * 3), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} <= {Reused, Opened, NotSignedIn}
        assert await end_reason(shop, owners.session_id) == EndReason.TOKEN_REUSED
        assert await is_over(shop, owners.refresh_token)


@pytest.mark.parametrize("token", ["", "garbage", "x" * 256, "пароль"])
async def test_a_token_that_is_none_is_refused(shop: Shop, token: str) -> None:
    assert await is_over(shop, token)


async def test_a_session_ends_by_itself_however_often_it_was_refreshed(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    last = await refreshed(shop, opened.refresh_token)
    await shop.rows("UPDATE user_sessions SET expires_at = now() - interval '1 second'")
    assert await is_over(shop, last.refresh_token)


async def test_a_deactivated_account_is_not_refreshed(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    await shop.rows("UPDATE users SET is_active = false")
    assert await is_over(shop, opened.refresh_token)


async def test_a_refresh_takes_over_the_role_of_today(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    await shop.rows("UPDATE users SET role = 'staff'")
    assert (await refreshed(shop, opened.refresh_token)).role is Role.STAFF


async def test_ending_all_spares_the_one_that_is_named_and_other_people(shop: Shop, ada: UUID) -> None:
    eve = await sign_in(shop, await shop.user(password_hash=HASH))
    mine, others = await sign_in(shop, ada), [await sign_in(shop, ada) for _ in range(2)]
    assert await end_all(shop, ada, but=mine.session_id) == {other.session_id for other in others}
    assert [await is_over(shop, other.refresh_token) for other in others] == [True, True]
    assert not await is_over(shop, mine.refresh_token)
    assert not await is_over(shop, eve.refresh_token)


async def test_ending_again_names_those_that_redis_may_not_have_heard_of(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    assert await end_all(shop, ada) == await end_all(shop, ada) == {opened.session_id}
    await shop.rows("UPDATE user_sessions SET ended_at = ended_at - interval '1 hour 1 second'")
    assert await end_all(shop, ada) == set()


async def test_an_ended_session_keeps_the_reason_of_its_first_end_and_no_token(shop: Shop, ada: UUID) -> None:
    opened = await sign_in(shop, ada)
    async with shop.database.transaction() as session:
        await sessions.end_session(session, opened.session_id, EndReason.LOGOUT)
        await sessions.end_session(session, opened.session_id, EndReason.DEACTIVATED)
    assert await end_reason(shop, opened.session_id) == EndReason.LOGOUT
    assert await shop.rows("SELECT * FROM refresh_tokens") == []


@pytest.mark.parametrize("change", ["password_hash = 'another'", "is_active = false"])
async def test_no_session_opens_for_a_password_that_is_not_one_any_more(shop: Shop, ada: UUID, change: str) -> None:
    await shop.rows(f"UPDATE users SET {change}")  # noqa: S608
    with pytest.raises(WrongCredentials):
        await sign_in(shop, ada)
    with pytest.raises(WrongCredentials):
        await sign_in(shop, uuid4())


async def test_a_sign_in_that_meets_a_change_of_password_is_ended_with_the_others_or_refused(
    shop: Shop, ada: UUID
) -> None:
    async def change_password() -> None:
        async with shop.database.transaction() as session:
            await sessions.end_sessions(session, ada, EndReason.PASSWORD_CHANGED)
            await session.execute(text("UPDATE users SET password_hash = 'another'"))

    opened = await asyncio.gather(*(sign_in(shop, ada) for _ in range(5)), change_password(), return_exceptions=True)
    assert {type(one) for one in opened} <= {Opened, WrongCredentials, type(None)}
    assert await shop.rows("SELECT id FROM user_sessions WHERE ended_at IS NULL") == []


async def test_an_address_is_known_by_a_sign_in_and_no_stranger_is(shop: Shop, ada: UUID) -> None:
    await sign_in(shop, ada)
    eve = await shop.user()
    async with shop.database.reading() as session:
        known = [await sessions.is_known_address(session, who, "192.0.2.1") for who in (ada, eve, None)]
        elsewhere = await sessions.is_known_address(session, ada, "192.0.2.2")
    assert (known, elsewhere) == ([True, False, False], False)


async def test_a_session_is_forgotten_at_the_next_sign_in_a_month_after_its_time(shop: Shop, ada: UUID) -> None:
    old = await sign_in(shop, ada)
    recent = await sign_in(shop, ada)
    age = "UPDATE user_sessions SET expires_at = now() - CAST(:age AS interval) WHERE id = :id"
    await shop.rows(age, age=timedelta(days=31), id=old.session_id)
    await shop.rows(age, age=timedelta(days=29), id=recent.session_id)
    newest = await sign_in(shop, ada)
    kept = {row[0] for row in await shop.rows("SELECT id FROM user_sessions")}
    assert kept == {recent.session_id, newest.session_id}


async def test_redis_is_told_of_ended_sessions_for_as_long_as_their_access_tokens_live(redis: Redis) -> None:
    ids = [uuid4(), uuid4()]
    await sessions.announce_ended(redis, ids, timedelta(minutes=15))
    await sessions.announce_ended(redis, [], timedelta(minutes=15))
    for session_id in ids:
        assert 0 < await redis.ttl(ended_key(session_id)) <= 900
    assert await redis.dbsize() == 2
