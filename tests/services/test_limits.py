"""A limit lets through what it says, however many ask at once, and never more in any period."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from redis.asyncio import Redis

from core.redis import REDIS_AWAY, connect_redis
from core.settings import Settings
from services.limits import SLICES, Allowance, Limit, Limiter, LocalLimiter
from tests.api.shopping import until
from tests.api.wire import Wire

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

# Long periods, so that nothing comes back while a test runs.
FIVE = Limit("letters", "ann", 5, HOUR)
FIFTY = Limit("letters", "bob", 50, HOUR)


@pytest.fixture
def limiter(redis: Redis) -> Limiter:
    return Limiter(redis)


@pytest.fixture(params=["redis", "local"])
def either(request: pytest.FixtureRequest, redis: Redis) -> Limiter | LocalLimiter:
    return Limiter(redis) if request.param == "redis" else LocalLimiter()


async def test_of_300_at_once_a_limit_of_50_lets_through_exactly_50(either: Limiter | LocalLimiter) -> None:
    allowances = await asyncio.gather(*(either.take([FIFTY]) for _ in range(300)))
    assert sum(allowance.is_allowed for allowance in allowances) == 50


async def test_what_is_left_counts_down_and_then_the_wait_is_told(either: Limiter | LocalLimiter) -> None:
    left = [(await either.take([FIVE])).remaining for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    refused = await either.take([FIVE])
    assert (refused.is_allowed, refused.limit, refused.remaining) == (False, FIVE, 0)
    assert 3500 < refused.retry_after <= refused.reset_after <= 3600 * (SLICES + 1) / SLICES


async def test_the_last_one_that_is_allowed_need_not_wait(either: Limiter | LocalLimiter) -> None:
    for _ in range(5):
        allowance = await either.take([FIVE])
    assert (allowance.is_allowed, allowance.remaining, allowance.retry_after) == (True, 0, 0)


async def test_keys_and_names_are_counted_apart(either: Limiter | LocalLimiter) -> None:
    for _ in range(6):
        await either.take([FIVE])
    for other in (Limit("letters", "eve", 5, HOUR), Limit("parcels", "ann", 5, HOUR)):
        assert (await either.take([other])).remaining == 4


async def test_a_refusal_by_one_limit_charges_none(either: Limiter | LocalLimiter) -> None:
    for _ in range(5):
        await either.take([FIVE])
    for _ in range(3):
        assert not (await either.take([FIFTY, FIVE])).is_allowed
    assert (await either.take([FIFTY])).remaining == 49


async def test_the_tightest_limit_is_the_one_that_is_told(either: Limiter | LocalLimiter) -> None:
    allowance = await either.take([FIFTY, FIVE])
    assert (allowance.limit, allowance.remaining) == (FIVE, 4)
    for _ in range(5):
        allowance = await either.take([FIFTY, FIVE])
    assert (allowance.is_allowed, allowance.limit) == (False, FIVE)


async def test_more_is_there_once_the_period_has_passed(limiter: Limiter) -> None:
    short = Limit("letters", "ann", 2, timedelta(milliseconds=60))
    while (await limiter.take([short])).is_allowed:
        pass

    async def is_back() -> bool:
        return (await limiter.take([short])).is_allowed

    await until(is_back)


async def test_a_limit_is_forgotten_when_nothing_of_it_counts_any_more(limiter: Limiter, redis: Redis) -> None:
    await limiter.take([Limit("letters", "ann", 5, MINUTE)])
    assert 60_000 < await redis.pttl("limit:letters:ann") <= 65_000


async def test_other_commands_are_answered_in_the_same_trip(limiter: Limiter, redis: Redis) -> None:
    await redis.hset("cart", mapping={"LAMP": "2"})
    allowance, replies = await limiter.take_and([FIVE], ("HGETALL", "cart"), ("EXISTS", "ended"))
    assert allowance.is_allowed
    assert replies == [{"LAMP": "2"}, 0]


async def test_a_redis_that_has_forgotten_the_script_learns_it_again(limiter: Limiter, redis: Redis) -> None:
    await limiter.take([FIVE])
    await redis.script_flush()
    allowance, replies = await limiter.take_and([FIVE], ("EXISTS", "ended"))
    assert (allowance.remaining, replies) == (3, [0])


@pytest.fixture
async def wire(redis_port: int) -> AsyncIterator[Wire]:
    async with Wire(redis_port) as wire:
        yield wire


@pytest.fixture
def redis_port(settings: Settings) -> int:
    return int(settings.redis_url.get_secret_value().rpartition(":")[2].partition("/")[0])


async def test_an_outage_is_told_to_who_asks(settings: Settings, redis_port: int, wire: Wire) -> None:
    url = settings.redis_url.get_secret_value().replace(f":{redis_port}", f":{wire.port}")
    client = connect_redis(settings.model_copy(update={"redis_url": SecretStr(url)}))
    limiter = Limiter(client)
    await limiter.take([FIVE])
    wire.cut()
    with pytest.raises(REDIS_AWAY):
        await limiter.take([FIVE])
    await client.aclose()


@given(amounts=st.lists(st.integers(1, 6), min_size=1, max_size=4), tries=st.integers(1, 10))
def test_several_limits_together_allow_what_the_smallest_does(amounts: list[int], tries: int) -> None:
    limits = [Limit("letters", str(place), amount, HOUR) for place, amount in enumerate(amounts)]

    async def take() -> list[Allowance]:
        local = LocalLimiter()
        return [await local.take(limits) for _ in range(tries)]

    allowances = asyncio.run(take())
    assert sum(allowance.is_allowed for allowance in allowances) == min(*amounts, tries)
