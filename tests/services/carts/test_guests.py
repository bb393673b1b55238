"""Guests' carts: known by a token alone, which Redis does not hold."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from domain.errors import CartTokenUnknown, NotFound
from services.carts import CartStore, Guest
from services.carts.store import KeyedRequest
from tests.services.carts.conftest import units

REQUEST = KeyedRequest("a-key-of-16-characters", "one")


async def test_a_guest_fills_a_cart_and_comes_back_with_the_token(carts: CartStore) -> None:
    token, guest = Guest.draw()
    made, _ = await carts.add(guest, units("LAMP", 2))
    again, _ = await carts.add(Guest.of(token), units("LAMP"))
    assert (again.id, again.quantities) == (made.id, {"LAMP": 3})
    assert (await carts.set_quantity(Guest.of(token), units("LAMP"))).quantities == {"LAMP": 1}
    assert (await carts.open(Guest.of(token)))[0].version == 3


async def test_the_token_is_nowhere_in_redis(carts: CartStore, redis: Redis) -> None:
    token, guest = Guest.draw()
    await carts.add(guest, units("LAMP"), request=REQUEST)
    await carts.merge(uuid4(), Guest.of(token))
    keys = await redis.keys("*")
    dumps = [await redis.hgetall(key) if await redis.type(key) == "hash" else await redis.get(key) for key in keys]
    assert len(keys) == 3
    assert token not in f"{keys} {dumps}"


async def test_no_two_tokens_are_the_same(carts: CartStore) -> None:
    tokens = {Guest.draw()[0] for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}, "256 bits in base64url"


@pytest.mark.parametrize(
    "token", ["", "x", "guest:x", "ÄÖÜ ☃", "}{:*", "x" * 100_000, "0198c5a4-7c1e-7000-8000-000000000001"]
)
async def test_a_token_that_was_never_given_out_has_no_cart_and_opens_none(
    carts: CartStore, redis: Redis, token: str
) -> None:
    unknown = Guest.of(token)
    for change in (
        carts.open(unknown), carts.open_once(unknown, "a-key-of-16-characters"), carts.add(unknown, units("LAMP")),
        carts.add(unknown, units("LAMP"), request=REQUEST), carts.set_quantity(unknown, units("LAMP")),
        carts.remove(unknown, "LAMP"), carts.delete(unknown), carts.merge(uuid4(), unknown),
    ):  # fmt: skip
        with pytest.raises(CartTokenUnknown):
            await change
    assert await redis.keys("*") == []


async def test_a_deleted_guests_cart_leaves_an_unknown_token(carts: CartStore) -> None:
    token, guest = Guest.draw()
    await carts.open(guest)
    await carts.delete(Guest.of(token))
    with pytest.raises(CartTokenUnknown):
        await carts.open(Guest.of(token))
    with pytest.raises(CartTokenUnknown):
        await carts.delete(Guest.of(token))


async def test_a_guest_has_no_line_that_was_never_added(carts: CartStore) -> None:
    token, guest = Guest.draw()
    await carts.open(guest)
    with pytest.raises(NotFound):
        await carts.set_quantity(Guest.of(token), units("LAMP"))


async def test_a_guests_request_with_a_key_adds_once(carts: CartStore) -> None:
    token, guest = Guest.draw()
    await carts.open(guest)
    again = Guest.of(token)
    answers = await asyncio.gather(*(carts.add(again, units("LAMP", 2), request=REQUEST) for _ in range(10)))
    assert sum(was_replayed for _, was_replayed in answers) == 9
    assert (await carts.open(again))[0].quantities == {"LAMP": 2}


async def test_a_guest_cannot_reach_a_users_cart(carts: CartStore) -> None:
    """Whatever the token is: only its SHA-256 becomes a key."""
    owner = uuid4()
    await carts.add(owner, units("LAMP"))
    for token in (str(owner), f"}}{owner}", f"{{{owner}}}"):
        with pytest.raises(CartTokenUnknown):
            await carts.open(Guest.of(token))
