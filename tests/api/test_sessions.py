"""Signing in, staying so, and signing out: what ends, ends at once, for its access tokens too."""

import asyncio

import pytest

from tests.api.conftest import Caller, Wires
from tests.api.shopping import refused
from tests.api.signing import ada, bearing, is_in, log_in, logged_in, refresh
from tests.builders import Shop


@pytest.fixture(autouse=True)
async def account(shop: Shop) -> str:
    return await ada(shop)


async def ten_seconds_pass(shop: Shop) -> None:
    await shop.rows("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'")


async def test_a_sign_in_is_kept_by_refreshing_it(anonymous: Caller) -> None:
    first = await logged_in(anonymous)
    assert set(first) == {"access_token", "token_type", "expires_in", "refresh_token"}
    answer = await refresh(anonymous, first)
    assert answer.status_code == 200
    second = answer.json()
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    assert await is_in(anonymous, second)
    assert await is_in(anonymous, first), "a refresh ends no access token"


async def test_an_old_refresh_token_ends_the_whole_session_at_once(anonymous: Caller, shop: Shop) -> None:
    old = await logged_in(anonymous)
    new = (await refresh(anonymous, old)).json()
    await ten_seconds_pass(shop)
    refused(await refresh(anonymous, old), 401, "refresh-token-reused")
    refused(await refresh(anonymous, new), 401, "not-signed-in")
    assert [await is_in(anonymous, tokens) for tokens in (old, new)] == [False, False]


async def test_another_session_of_the_same_account_goes_on(anonymous: Caller, shop: Shop) -> None:
    stolen, other = await logged_in(anonymous), await logged_in(anonymous)
    await refresh(anonymous, stolen)
    await ten_seconds_pass(shop)
    refused(await refresh(anonymous, stolen), 401, "refresh-token-reused")
    assert await is_in(anonymous, other)
    assert (await refresh(anonymous, other)).status_code == 200


async def test_tabs_that_refresh_at_once_all_go_on(anonymous: Caller) -> None:
    shared = await logged_in(anonymous)
    answers = await asyncio.gather(*(refresh(anonymous, shared) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        assert (await refresh(anonymous, answer.json())).status_code == 200


async def test_signing_out_ends_this_session_and_no_other(anonymous: Caller) -> None:
    here, there = await logged_in(anonymous), await logged_in(anonymous)
    assert (await anonymous.post("/auth/logout", headers=bearing(here))).status_code == 204
    assert [await is_in(anonymous, tokens) for tokens in (here, there)] == [False, True]
    refused(await refresh(anonymous, here), 401, "not-signed-in")
    refused(await anonymous.post("/auth/logout", headers=bearing(here)), 401, "not-signed-in")


async def test_signing_out_everywhere_ends_all_and_nobody_elses(anonymous: Caller, stranger: Caller) -> None:
    sessions = [await logged_in(anonymous) for _ in range(3)]
    assert (await anonymous.post("/auth/logout-all", headers=bearing(sessions[0]))).status_code == 204
    assert [await is_in(anonymous, tokens) for tokens in sessions] == [False] * 3
    assert (await stranger.get("/orders")).status_code == 200
    assert await is_in(anonymous, await logged_in(anonymous)), "and she may come back"


async def test_signing_out_without_redis_is_told_to_be_done_again(anonymous: Caller, wires: Wires, shop: Shop) -> None:
    tokens = await logged_in(anonymous)
    wires.redis.cut()
    refused(await anonymous.post("/auth/logout", headers=bearing(tokens)), 503, "unavailable")
    await wires.redis.mend()
    refused(await refresh(anonymous, tokens), 401, "not-signed-in")
    assert (await anonymous.post("/auth/logout", headers=bearing(tokens))).status_code == 204
    assert not await is_in(anonymous, tokens)
    assert await shop.rows("SELECT end_reason FROM user_sessions") == [("logout",)]


async def test_signing_in_and_refreshing_need_no_redis(anonymous: Caller, wires: Wires) -> None:
    wires.redis.cut()
    tokens = await logged_in(anonymous)
    assert (await refresh(anonymous, tokens)).status_code == 200


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": "x" * 257}, {"token": "x"}])
async def test_a_refresh_without_a_token_is_not_valid(anonymous: Caller, body: dict[str, str]) -> None:
    refused(await anonymous.post("/auth/refresh", json=body), 422, "validation-failed")


async def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(anonymous: Caller) -> None:
    tokens = await logged_in(anonymous)
    swapped = {"access_token": tokens["refresh_token"], "refresh_token": tokens["access_token"][:256]}
    refused(await refresh(anonymous, swapped), 401, "not-signed-in")
    assert not await is_in(anonymous, swapped)


async def test_a_session_knows_where_it_was_opened_and_by_what(anonymous: Caller, shop: Shop) -> None:
    anonymous.headers["User-Agent"] = "Lamp/1.0 " + "x" * 500
    await logged_in(anonymous)
    ((address, agent),) = await shop.rows("SELECT address, user_agent FROM user_sessions")
    assert (address, len(agent), agent[:9]) == ("127.0.0.1", 300, "Lamp/1.0 ")


async def test_a_wrong_password_opens_no_session(anonymous: Caller, shop: Shop) -> None:
    refused(await log_in(anonymous, "difference engine"), 401, "wrong-credentials")
    assert await shop.rows("SELECT 1 FROM user_sessions") == []
