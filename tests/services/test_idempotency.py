"""Keys of requests other than checkouts: the caller's own, one body each, for a day."""

import asyncio
from uuid import UUID

import pytest

from domain.errors import KeyReused
from services import idempotency
from tests.builders import Shop

KEY = "a-key-of-16-characters"


async def record(shop: Shop, user_id: UUID, fingerprint: str = "one", key: str = KEY) -> bool:
    async with shop.database.transaction() as session:
        return await idempotency.record(session, user_id, key, fingerprint)


async def test_a_key_is_new_once(shop: Shop) -> None:
    user_id = await shop.user()
    assert [await record(shop, user_id) for _ in range(3)] == [True, False, False]


async def test_of_ten_requests_at_once_one_is_new(shop: Shop) -> None:
    user_id = await shop.user()
    assert sorted(await asyncio.gather(*(record(shop, user_id) for _ in range(10)))) == [False] * 9 + [True]


async def test_a_key_with_another_body_is_refused(shop: Shop) -> None:
    user_id = await shop.user()
    await record(shop, user_id)
    with pytest.raises(KeyReused):
        await record(shop, user_id, "another")
    assert not await record(shop, user_id), "the first body keeps the key"


async def test_a_key_is_its_callers_own(shop: Shop) -> None:
    assert await record(shop, await shop.user())
    assert await record(shop, await shop.user(), "another")


async def test_a_key_is_free_again_after_a_day(shop: Shop) -> None:
    user_id = await shop.user()
    await record(shop, user_id)
    await shop.rows("UPDATE idempotency_keys SET at = now() - interval '23 hours 59 minutes'")
    assert not await record(shop, user_id)
    await shop.rows("UPDATE idempotency_keys SET at = now() - interval '24 hours 1 minute'")
    assert await record(shop, user_id, "another")


async def test_keys_are_forgotten_after_a_day_and_no_sooner(shop: Shop) -> None:
    user_id = await shop.user()
    await record(shop, user_id)
    for age, left in (("23 hours 59 minutes", 1), ("24 hours 1 minute", 0)):
        await shop.rows("UPDATE idempotency_keys SET at = now() - CAST(CAST(:age AS text) AS interval)", age=age)
        async with shop.database.transaction() as session:
            await idempotency.forget_old(session)
        assert await shop.rows("SELECT count(*) FROM idempotency_keys") == [(left,)]


async def test_a_key_of_a_request_that_started_nothing_is_not_used_up(shop: Shop) -> None:
    user_id, other = await shop.user(), await shop.user()
    await record(shop, user_id)
    await record(shop, other)
    async with shop.database.transaction() as session:
        await idempotency.forget(session, user_id, KEY)
    assert await record(shop, user_id, "another")
    assert not await record(shop, other)


async def test_who_was_refused_late_does_not_free_the_key_of_who_came_after(shop: Shop) -> None:
    user_id = await shop.user()
    await record(shop, user_id)
    async with shop.database.transaction() as session:
        first = await idempotency.recorded_at(session, user_id, KEY)
        await idempotency.forget(session, user_id, KEY, first)
    await record(shop, user_id, "another")
    async with shop.database.transaction() as session:
        await idempotency.forget(session, user_id, KEY, first)
    assert not await record(shop, user_id, "another")
