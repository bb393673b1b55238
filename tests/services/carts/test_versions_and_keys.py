"""Changing a cart that somebody else changes too: versions, keys, and an order that takes its lines."""

from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from domain.errors import KeyReused, NotFound, OutOfStock, Stale
from services.carts import CartStore
from services.carts.owners import key_of
from services.carts.store import KeyedRequest
from tests.services.carts.conftest import units

REQUEST = KeyedRequest("a-key-of-16-characters", "one")


async def test_a_change_of_the_version_that_was_read_is_made(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP"), expected=0)
    cart, _ = await carts.add(owner, units("LAMP"), expected=cart.version)
    assert (await carts.set_quantity(owner, units("LAMP", 5, available=10), expected=cart.version)).quantities == {
        "LAMP": 5
    }


async def test_a_change_of_another_version_is_refused(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    for stale in (0, 2):
        with pytest.raises(Stale):
            await carts.add(owner, units("LAMP"), expected=stale)
        with pytest.raises(Stale):
            await carts.set_quantity(owner, units("LAMP", 5, available=10), expected=stale)
    assert (await carts.open(owner))[0].quantities == {"LAMP": 1}


async def test_a_request_with_a_key_adds_once(carts: CartStore, owner: UUID) -> None:
    replays = [await carts.add(owner, units("LAMP", 2), request=REQUEST) for _ in range(3)]
    assert [was_replayed for _, was_replayed in replays] == [False, True, True]
    assert all(cart.quantities == {"LAMP": 2} for cart, _ in replays)


async def test_a_replay_shows_the_cart_as_it_stands_now(carts: CartStore, owner: UUID) -> None:
    """Even where the same request would be refused today."""
    await carts.add(owner, units("LAMP", 2), expected=0, request=REQUEST)
    await carts.add(owner, units("SHADE"))
    cart, was_replayed = await carts.add(owner, units("LAMP", 2, available=0), expected=0, request=REQUEST)
    assert (cart.quantities, was_replayed) == ({"LAMP": 2, "SHADE": 1}, True)


async def test_a_refused_request_does_not_use_its_key_up(carts: CartStore, owner: UUID) -> None:
    with pytest.raises(OutOfStock):
        await carts.add(owner, units("LAMP", available=0), request=REQUEST)
    assert (await carts.add(owner, units("LAMP"), request=REQUEST))[1] is False


async def test_a_key_is_its_callers_own_and_lasts_a_day(carts: CartStore, redis: Redis, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"), request=REQUEST)
    assert (await carts.add(uuid4(), units("LAMP"), request=REQUEST))[1] is False
    assert 24 * 3600 - 60 < await redis.ttl(f"{key_of(owner)}:key:{REQUEST.key}") <= 24 * 3600


async def test_an_order_takes_its_lines_and_only_those(carts: CartStore, owner: UUID) -> None:
    for sku, quantity in (("LAMP", 5), ("SHADE", 1), ("BULB", 2)):
        cart, _ = await carts.add(owner, units(sku, quantity))
    version = await carts.take(owner, cart.id, uuid4(), {"LAMP": 3, "SHADE": 1})
    left, _ = await carts.open(owner)
    assert (left.quantities, left.version, version) == ({"LAMP": 2, "BULB": 2}, 4, 4)


async def test_an_order_takes_its_lines_once(carts: CartStore, owner: UUID) -> None:
    """What the shopper puts in after it stays, however often the step is repeated."""
    cart, _ = await carts.add(owner, units("LAMP", 2))
    order_id = uuid4()
    await carts.take(owner, cart.id, order_id, {"LAMP": 2})
    await carts.add(owner, units("LAMP", 2))
    assert await carts.take(owner, cart.id, order_id, {"LAMP": 2}) == 3
    assert (await carts.open(owner))[0].quantities == {"LAMP": 2}
    await carts.take(owner, cart.id, uuid4(), {"LAMP": 1})
    assert (await carts.open(owner))[0].quantities == {"LAMP": 1}, "another order takes its own"


async def test_an_order_takes_what_is_left_of_a_line_that_shrank(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP", 5))
    await carts.set_quantity(owner, units("LAMP", 2, available=10))
    await carts.take(owner, cart.id, uuid4(), {"LAMP": 5, "GONE": 1})
    left, _ = await carts.open(owner)
    assert (left.quantities, left.currency) == ({}, None)


async def test_an_order_leaves_another_cart_of_its_owner_alone(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP", 2))
    await carts.delete(owner)
    assert await carts.take(owner, cart.id, uuid4(), {"LAMP": 2}) == 0
    await carts.add(owner, units("LAMP", 2))
    assert await carts.take(owner, cart.id, uuid4(), {"LAMP": 2}) == 0
    assert (await carts.open(owner))[0].quantities == {"LAMP": 2}


async def test_a_cart_that_is_gone_has_no_line_to_set(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    await carts.delete(owner)
    with pytest.raises(NotFound):
        await carts.set_quantity(owner, units("LAMP", 2, available=10))


async def test_a_key_with_another_body_is_refused(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"), request=REQUEST)
    with pytest.raises(KeyReused):
        await carts.add(owner, units("LAMP", 2), request=KeyedRequest(REQUEST.key, "two"))
    assert (await carts.open(owner))[0].quantities == {"LAMP": 1}
