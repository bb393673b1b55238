"""The login guard: strangers share an account's allowance, an address that it knows has its own."""

import asyncio
from collections.abc import Sequence

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from core.redis import connect_redis
from core.settings import Settings
from services.limits import Allowance, Limit, Limiter, LocalLimiter
from services.login_guard import LoginGuard, Try

ADA, HOME = "ada@example.com", "192.0.2.1"


@pytest.fixture
def guard(redis: Redis) -> LoginGuard:
    return LoginGuard(Limiter(redis), LocalLimiter(), per_minute=3)


async def tries(guard: LoginGuard, *entered: Try) -> int:
    """How many of them were let through."""
    return sum([(await guard.take(one)).is_allowed for one in entered])


async def test_who_is_refused_hears_when_to_try_again(guard: LoginGuard) -> None:
    entered = Try(ADA, HOME, is_known=False)
    await tries(guard, *[entered] * 3)
    refusal = await guard.take(entered)
    assert not refusal.is_allowed
    assert 0 < refusal.retry_after <= 66


async def test_strangers_share_one_allowance_however_many_addresses_they_have(guard: LoginGuard) -> None:
    strangers = [Try(ADA, f"198.51.100.{n}", is_known=False) for n in range(50)]
    assert await tries(guard, *strangers) == 3


async def test_the_owner_at_home_signs_in_while_strangers_guess(guard: LoginGuard) -> None:
    await tries(guard, *[Try(ADA, f"198.51.100.{n}", is_known=False) for n in range(50)])
    assert await tries(guard, *[Try(ADA, HOME, is_known=True)] * 5) == 3


async def test_who_guesses_from_a_known_address_takes_nothing_from_another_one(guard: LoginGuard) -> None:
    assert await tries(guard, *[Try(ADA, "192.0.2.2", is_known=True)] * 5) == 3
    assert await tries(guard, Try(ADA, HOME, is_known=True)) == 1


async def test_an_account_is_the_same_in_any_case_and_no_other(guard: LoginGuard) -> None:
    assert await tries(guard, *[Try(name, HOME, is_known=False) for name in (ADA, "ADA@example.com", ADA, ADA)]) == 3
    assert await tries(guard, Try("bob@example.com", HOME, is_known=False)) == 1


async def test_redis_is_told_of_no_person(guard: LoginGuard, redis: Redis) -> None:
    await tries(guard, Try(ADA, HOME, is_known=False))
    (key,) = await redis.keys()
    assert "ada" not in key
    assert "example" not in key


async def test_without_redis_this_process_counts(settings: Settings) -> None:
    away = connect_redis(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")}))
    guard = LoginGuard(Limiter(away), LocalLimiter(), per_minute=3)
    assert await tries(guard, *[Try(ADA, HOME, is_known=False)] * 5) == 3
    assert await tries(guard, *[Try(ADA, HOME, is_known=True)] * 5) == 3
    await away.aclose()


class Hanging(Limiter):
    """Asks a Redis that never answers."""

    async def take(self, limits: Sequence[Limit]) -> Allowance:
        await asyncio.Event().wait()
        raise AssertionError(limits)


async def test_a_redis_that_hangs_keeps_nobody_waiting_and_lets_nobody_guess_on(redis: Redis) -> None:
    guard = LoginGuard(Hanging(redis), LocalLimiter(), per_minute=1)
    async with asyncio.timeout(30):
        assert await tries(guard, *[Try(ADA, HOME, is_known=False)] * 2) == 1


async def test_a_redis_that_is_full_lets_nobody_guess_on(guard: LoginGuard, redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)
    try:
        assert await tries(guard, *[Try(ADA, HOME, is_known=False)] * 5) == 3
    finally:
        await redis.config_set("maxmemory", 0)
