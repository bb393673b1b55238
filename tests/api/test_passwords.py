"""Changing a password, and choosing a new one by mail: who had the old one is out."""

import asyncio
from uuid import UUID

import pytest
from redis.asyncio import Redis

from api.dependencies import Resources
from core.database import Database
from core.settings import Settings
from models.accounts import MailPurpose
from services import mails
from services.mails import Terms
from tests.api.conftest import Caller
from tests.api.shopping import fields_of, refused
from tests.api.signing import EMAIL, PASSWORD, ada, bearing, is_in, log_in, logged_in, mails_to, refresh
from tests.builders import Shop
from tests.queries import counted_queries

NEW = "difference engine no. 2"


@pytest.fixture(autouse=True)
async def account(shop: Shop) -> str:
    return await ada(shop)


@pytest.fixture
async def token(anonymous: Caller, shop: Shop, api_settings: Settings) -> str:
    """Of a mail that she asked for and that went out."""
    await ask(anonymous)
    return await token_of_the_last_mail(shop, api_settings)


async def token_of_the_last_mail(shop: Shop, settings: Settings) -> str:
    terms = Terms.from_settings(settings)
    ((mail_id,),) = await shop.rows("SELECT id FROM mails ORDER BY created_at DESC LIMIT 1")
    async with shop.database.transaction() as session:
        mail = await mails.take(session, UUID(str(mail_id)), terms)
    token = terms.token_of(mail) if mail else None
    assert token
    return token


async def ask(anonymous: Caller, email: str = EMAIL) -> None:
    answer = await anonymous.post("/auth/password-reset", json={"email": email})
    assert (answer.status_code, answer.json()) == (202, {"email": email.lower()})


async def reset(anonymous: Caller, token: str, password: str = NEW) -> int:
    answer = await anonymous.post("/auth/password-reset/confirm", json={"token": token, "new_password": password})
    if answer.status_code != 204:
        refused(answer, 422, "mail-token-invalid")
    return answer.status_code


async def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(
    anonymous: Caller, database: Database
) -> None:
    here, there = await logged_in(anonymous), await logged_in(anonymous)
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert (await anonymous.post("/auth/password", json=change, headers=bearing(here))).status_code == 204
    assert [await is_in(anonymous, tokens) for tokens in (here, there)] == [True, False]
    assert (await refresh(anonymous, here)).status_code == 200
    refused(await refresh(anonymous, there), 401, "not-signed-in")
    refused(await log_in(anonymous), 401, "wrong-credentials")
    await logged_in(anonymous, NEW)
    assert await mails_to(database) == ["password-changed"]


async def test_a_redis_that_is_full_stops_no_change_of_a_password(
    anonymous: Caller, database: Database, redis: Redis
) -> None:
    await redis.config_set("maxmemory", 1)
    try:
        change = {"current_password": PASSWORD, "new_password": NEW}
        tokens = await logged_in(anonymous)
        assert (await anonymous.post("/auth/password", json=change, headers=bearing(tokens))).status_code == 204
    finally:
        await redis.config_set("maxmemory", 0)
    assert await mails_to(database) == ["password-changed"]


async def test_a_change_needs_the_current_password(anonymous: Caller, database: Database) -> None:
    tokens = await logged_in(anonymous)
    change = {"current_password": "a guess", "new_password": NEW}
    refused(await anonymous.post("/auth/password", json=change, headers=bearing(tokens)), 403, "wrong-password")
    await logged_in(anonymous)
    assert await mails_to(database) == []


async def test_whoever_found_a_session_cannot_guess_the_password_with_it(anonymous: Caller) -> None:
    tokens = await logged_in(anonymous)
    change = {"current_password": "a guess", "new_password": NEW}
    answers = [await anonymous.post("/auth/password", json=change, headers=bearing(tokens)) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    refused(answers[-1], 429, "rate-limited")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 66


async def test_of_two_changes_at_once_one_counts(anonymous: Caller) -> None:
    tokens = await logged_in(anonymous)
    passwords = ["the first of the two", "the second of the two"]
    answers = await asyncio.gather(
        *(
            anonymous.post(
                "/auth/password", json={"current_password": PASSWORD, "new_password": new}, headers=bearing(tokens)
            )
            for new in passwords
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    opened = [(await log_in(anonymous, password)).status_code for password in passwords]
    assert [answer.status_code == 204 for answer in answers] == [status == 200 for status in opened]


async def test_a_new_password_by_mail_ends_every_session_and_is_told_to_the_owner(
    anonymous: Caller, database: Database, token: str
) -> None:
    tokens = await logged_in(anonymous)
    assert await reset(anonymous, token) == 204
    assert not await is_in(anonymous, tokens)
    refused(await refresh(anonymous, tokens), 401, "not-signed-in")
    refused(await log_in(anonymous), 401, "wrong-credentials")
    me = await anonymous.get("/auth/me", headers=bearing(await logged_in(anonymous, NEW)))
    assert me.json()["email_verified"], "who has the token has read the mail"
    assert await mails_to(database) == ["password-reset", "password-changed"]


async def test_a_token_is_good_once(anonymous: Caller, token: str) -> None:
    assert await reset(anonymous, token) == 204
    assert await reset(anonymous, token, "of a thief of mail") == 422
    await logged_in(anonymous, NEW)


async def test_of_two_uses_of_a_token_at_once_one_counts(anonymous: Caller, token: str) -> None:
    passwords = ["the first of the two", "the second of the two"]
    statuses = await asyncio.gather(*(reset(anonymous, token, password) for password in passwords))
    assert sorted(statuses) == [204, 422]
    opened = [(await log_in(anonymous, password)).status_code for password in passwords]
    assert [status == 204 for status in statuses] == [status == 200 for status in opened]


async def test_two_tokens_at_once_change_the_password_one_after_the_other_or_once(
    anonymous: Caller, shop: Shop, api_settings: Settings, token: str
) -> None:
    await ask(anonymous)
    other = await token_of_the_last_mail(shop, api_settings)
    statuses = await asyncio.gather(*(reset(anonymous, one) for one in (token, other)))
    assert sorted(statuses) == [204, 422]


async def test_a_changed_password_uses_up_the_tokens_that_are_under_way(anonymous: Caller, token: str) -> None:
    tokens = await logged_in(anonymous)
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert (await anonymous.post("/auth/password", json=change, headers=bearing(tokens))).status_code == 204
    assert await reset(anonymous, token, "of a thief of mail") == 422


async def test_a_token_expires(anonymous: Caller, shop: Shop, token: str) -> None:
    await shop.rows("UPDATE mails SET expires_at = now() - interval '1 second'")
    assert await reset(anonymous, token) == 422
    await logged_in(anonymous)


@pytest.mark.parametrize("token", ["", "garbage", "x" * 256, "📫"])
async def test_a_token_that_nobody_was_sent_is_told_so(anonymous: Caller, token: str) -> None:
    assert await reset(anonymous, token) == 422


async def test_an_account_that_was_deactivated_gets_no_new_password(anonymous: Caller, shop: Shop, token: str) -> None:
    await shop.rows("UPDATE users SET is_active = false")
    assert await reset(anonymous, token) == 422


async def test_asking_tells_nothing_of_who_has_an_account_and_is_the_same_work(
    anonymous: Caller, shop: Shop, resources: Resources
) -> None:
    work = []
    for email in (EMAIL, "NOBODY@example.com"):
        with counted_queries(resources.database) as queries:
            await ask(anonymous, email)
        work.append(list(queries))
    assert work[0] == work[1]
    written = await shop.rows("SELECT recipient FROM mails WHERE taken_at IS NULL ORDER BY created_at")
    assert written == [(EMAIL,), (None,)], "both wait to be dispatched"


@pytest.mark.parametrize("password", ["short", "x" * 257, None])
async def test_a_new_password_that_is_none_is_refused_by_its_field(
    anonymous: Caller, token: str, password: str | None
) -> None:
    answer = await anonymous.post("/auth/password-reset/confirm", json={"token": token, "new_password": password})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"body.new_password"}
    assert await reset(anonymous, token) == 204


async def test_a_token_of_another_purpose_resets_nothing(anonymous: Caller, shop: Shop, api_settings: Settings) -> None:
    async with shop.database.transaction() as session:
        await mails.write(session, MailPurpose.VERIFY_EMAIL, EMAIL)
    assert await reset(anonymous, await token_of_the_last_mail(shop, api_settings)) == 422
