"""Guessing a password over HTTP: slowed down for strangers, and the owner gets in."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import BASE, Caller, Wires
from tests.api.shopping import refused
from tests.api.signing import EMAIL, ada, log_in
from tests.builders import Shop


def at(app: FastAPI, address: str) -> Caller:
    """Somebody who comes from there."""
    return Caller(transport=httpx.ASGITransport(app, client=(address, 4711)), base_url=BASE, timeout=60)


async def guess(caller: Caller, times: int, email: str = EMAIL) -> list[int]:
    return [(await log_in(caller, f"guess {number}", email)).status_code for number in range(times)]


@pytest.fixture
async def account(shop: Shop) -> str:
    return await ada(shop)


@pytest.mark.usefixtures("account")
async def test_guesses_are_slowed_down_and_told_when_to_come_back(anonymous: Caller) -> None:
    assert await guess(anonymous, 11) == [401] * 10 + [429]
    refusal = await log_in(anonymous)
    assert 0 < refused(refusal, 429, "rate-limited")["retry_after"] == int(refusal.headers["Retry-After"]) <= 66


@pytest.mark.usefixtures("account")
async def test_each_try_says_how_many_are_left_of_the_accounts_own(anonymous: Caller) -> None:
    answers = [await log_in(anonymous, "a guess") for _ in range(11)]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"10"}
    assert [int(answer.headers["RateLimit-Remaining"]) for answer in answers] == [*range(9, -1, -1), 0]


async def test_an_unknown_account_is_guessed_as_slowly_as_a_known_one(anonymous: Caller, account: str) -> None:
    assert await guess(anonymous, 11, "nobody@example.com") == await guess(anonymous, 11) == [401] * 10 + [429]
    assert account


@pytest.mark.usefixtures("account")
async def test_a_thousand_addresses_guess_no_faster_than_one(app: FastAPI) -> None:
    strangers = [at(app, f"198.51.100.{number}") for number in range(15)]
    answers = await asyncio.gather(*(log_in(stranger, "a guess") for stranger in strangers))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 5


@pytest.mark.usefixtures("account")
async def test_the_owner_signs_in_from_a_known_address_while_strangers_guess(app: FastAPI) -> None:
    home = at(app, "192.0.2.1")
    assert (await log_in(home)).status_code == 200
    assert (await guess(at(app, "198.51.100.1"), 11))[-1] == 429
    assert (await log_in(home)).status_code == 200
    refused(await log_in(at(app, "192.0.2.2")), 429, "rate-limited")


@pytest.mark.usefixtures("account")
async def test_a_whole_network_of_ipv6_is_one_address(app: FastAPI) -> None:
    assert (await log_in(at(app, "2001:db8:1:2::1"))).status_code == 200
    assert (await guess(at(app, "2001:db8:ffff::1"), 10)) == [401] * 9 + [429], "the sign-in was a stranger's try"
    assert (await log_in(at(app, "2001:db8:1:2:aaaa::7"))).status_code == 200
    refused(await log_in(at(app, "2001:db8:1:3::1")), 429, "rate-limited")


@pytest.mark.usefixtures("account")
async def test_an_ipv4_address_is_the_same_on_a_socket_of_ipv6(app: FastAPI) -> None:
    assert (await log_in(at(app, "192.0.2.1"))).status_code == 200
    await guess(at(app, "198.51.100.1"), 11)
    assert (await log_in(at(app, "::ffff:192.0.2.1"))).status_code == 200
    refused(await log_in(at(app, "::ffff:192.0.2.2")), 429, "rate-limited")


@pytest.mark.usefixtures("account")
async def test_what_a_proxy_says_of_an_address_may_be_no_address(app: FastAPI) -> None:
    assert (await log_in(at(app, "unknown, " + "x" * 300))).status_code == 200


async def test_who_answered_a_mail_is_no_stranger_there(app: FastAPI, shop: Shop, account: str) -> None:
    """The way in of an owner on a new network, while somebody guesses."""
    await guess(at(app, "198.51.100.1"), 11)
    abroad = at(app, "203.0.113.9")
    refused(await log_in(abroad), 429, "rate-limited")
    await shop.rows(
        "INSERT INTO mails (user_id, purpose, used_from) VALUES (:id, 'password-reset', '203.0.113.9')", id=account
    )
    assert (await log_in(abroad)).status_code == 200


@pytest.mark.usefixtures("account")
async def test_guesses_are_slowed_down_without_redis_too(anonymous: Caller, wires: Wires) -> None:
    wires.redis.cut()
    assert await guess(anonymous, 12) == [401] * 10 + [429] * 2
