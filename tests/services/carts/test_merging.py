"""A guest signs in: the units move into the user's cart, each once, and what does not fit stays where it was."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from domain.errors import CartTokenUnknown, Fact, KeyReused, Stale
from services.carts import Cart, CartStore, Guest
from services.carts.cart import LeftOut
from services.carts.owners import key_of
from services.carts.store import KeyedRequest
from tests.services.carts.conftest import units

REQUEST = KeyedRequest("a-key-of-16-characters", "one")


async def filled(carts: CartStore, quantities: dict[str, int], **more: str) -> Guest:
    """A guest who comes back with these units in the cart."""
    token, guest = Guest.draw()
    await carts.open(guest)
    for sku, quantity in quantities.items():
        await carts.add(guest, units(sku, quantity, **more))  # type: ignore[arg-type]
    return Guest.of(token)


async def of(carts: CartStore, owner: UUID) -> dict[str, int]:
    return dict((await carts.open(owner))[0].quantities)


async def test_lines_add_up_and_new_ones_stand_behind_in_their_order(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("SHADE", 1))
    mine, _ = await carts.add(owner, units("LAMP", 2))
    guest = await filled(carts, {"VASE": 1, "LAMP": 3, "BULB": 4})
    merged = await carts.merge(owner, guest)
    assert list(merged.cart.quantities.items()) == [("SHADE", 1), ("LAMP", 5), ("VASE", 1), ("BULB", 4)]
    assert (merged.cart.id, merged.cart.version, merged.left_out) == (mine.id, mine.version + 1, [])


async def test_a_user_without_a_cart_gets_one_with_what_the_guest_had(carts: CartStore, owner: UUID) -> None:
    merged = await carts.merge(owner, await filled(carts, {"LAMPE": 2}, currency="EUR"))
    assert (merged.cart.quantities, merged.cart.currency, merged.cart.version) == ({"LAMPE": 2}, "EUR", 1)


async def test_a_merge_gives_the_users_cart_its_whole_lifetime_again(redis: Redis, owner: UUID) -> None:
    carts = CartStore(redis, lifetime=timedelta(days=30), guest_lifetime=timedelta(days=7), max_lines=10)
    opened, _ = await carts.add(owner, units("LAMP"))
    await redis.pexpire(key_of(owner), 1000 * 3600)
    merged = await carts.merge(owner, await filled(carts, {"LAMP": 2}))
    assert merged.cart.expires_at >= opened.expires_at
    assert await redis.ttl(key_of(owner)) > 29 * 24 * 3600


async def test_what_was_merged_is_gone_from_the_guest_and_a_repetition_answers_the_cart(
    carts: CartStore, owner: UUID
) -> None:
    guest = await filled(carts, {"LAMP": 2})
    first = await carts.merge(owner, guest)
    again = await carts.merge(owner, guest)
    assert (again.cart, again.left_out) == (first.cart, [])
    for stranger in (carts.open(guest), carts.add(guest, units("LAMP")), carts.merge(uuid4(), guest)):
        with pytest.raises(CartTokenUnknown):
            await stranger


async def test_what_was_taken_out_after_the_merge_does_not_come_back(carts: CartStore, owner: UUID) -> None:
    guest = await filled(carts, {"LAMP": 2})
    await carts.merge(owner, guest)
    await carts.remove(owner, "LAMP")
    assert (await carts.merge(owner, guest)).cart.quantities == {}
    await carts.delete(owner)
    assert (await carts.merge(owner, guest)).cart.quantities == {}


async def test_merged_twenty_times_at_once_no_unit_counts_twice(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", 1))
    guest = await filled(carts, {"LAMP": 2, "VASE": 3})
    answers = await asyncio.gather(*(carts.merge(owner, guest) for _ in range(20)))
    assert all(answer.cart.quantities == {"LAMP": 3, "VASE": 3} for answer in answers)
    assert {answer.cart.version for answer in answers} == {2}


async def test_of_two_users_with_one_token_one_gets_the_units(carts: CartStore) -> None:
    users = [uuid4(), uuid4()]
    guest = await filled(carts, {"LAMP": 2})

    async def merged(user_id: UUID) -> str:
        try:
            await carts.merge(user_id, guest)
        except Fact as refusal:
            return refusal.code
        return "merged"

    assert sorted(await asyncio.gather(*map(merged, users))) == ["cart-token-unknown", "merged"]
    assert sorted([sum((await of(carts, user)).values()) for user in users]) == [0, 2]


async def test_what_a_guest_adds_meanwhile_is_merged_or_refused_and_never_lost(carts: CartStore, owner: UUID) -> None:
    guest = await filled(carts, {"LAMP": 1})

    async def add() -> bool:
        try:
            await carts.add(guest, units("LAMP"))
        except CartTokenUnknown:
            return False
        return True

    added, _ = await asyncio.gather(
        asyncio.gather(*(add() for _ in range(20))), asyncio.gather(*(carts.merge(owner, guest) for _ in range(3)))
    )
    assert (await of(carts, owner))["LAMP"] == 1 + sum(added)


async def test_what_goes_beyond_999_units_stays_with_the_guest(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", 600))
    guest = await filled(carts, {"LAMP": 500, "VASE": 1})
    merged = await carts.merge(owner, guest)
    assert merged.cart.quantities == {"LAMP": 999, "VASE": 1}
    assert merged.left_out == [LeftOut("LAMP", "quantity-out-of-range", 101)]
    left, _ = await carts.open(guest)
    assert (left.quantities, left.version) == ({"LAMP": 101}, 3)
    again = await carts.merge(owner, guest)
    assert (again.left_out, again.cart) == (merged.left_out, merged.cart), "a repetition says the same"
    await carts.set_quantity(owner, units("LAMP", 10))
    assert (await carts.merge(owner, guest)).cart.quantities == {"LAMP": 111, "VASE": 1}


async def test_lines_beyond_the_limit_stay_with_the_guest(redis: Redis, owner: UUID) -> None:
    carts = CartStore(redis, lifetime=timedelta(days=1), guest_lifetime=timedelta(days=1), max_lines=3)
    for sku in ("A", "B"):
        await carts.add(owner, units(sku))
    guest = await filled(carts, {"C": 1, "D": 2, "A": 3})
    merged = await carts.merge(owner, guest)
    assert merged.cart.quantities == {"A": 4, "B": 1, "C": 1}
    assert merged.left_out == [LeftOut("D", "too-many-lines", 2)]


async def test_lines_of_another_currency_stay_with_the_guest(carts: CartStore, owner: UUID) -> None:
    mine, _ = await carts.add(owner, units("LAMP"))
    guest = await filled(carts, {"LAMPE": 2, "VASE": 1}, currency="EUR")
    merged = await carts.merge(owner, guest)
    assert merged.cart == mine
    assert merged.left_out == [LeftOut("LAMPE", "currency-mismatch", 2), LeftOut("VASE", "currency-mismatch", 1)]
    await carts.remove(owner, "LAMP")
    assert (await carts.merge(owner, guest)).cart.quantities == {"LAMPE": 2, "VASE": 1}


async def test_a_line_keeps_the_price_that_its_shopper_saw(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", price=1000))
    _, guest = Guest.draw()
    await carts.add(guest, units("LAMP", price=1100))
    await carts.add(guest, units("VASE", price=300))
    merged = await carts.merge(owner, guest)
    assert merged.cart.prices_seen == {"LAMP": 1000, "VASE": 300}


async def test_a_merge_into_another_version_than_was_read_is_refused_whole(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    guest = await filled(carts, {"LAMP": 2})
    for stale in (0, 2):
        with pytest.raises(Stale):
            await carts.merge(owner, guest, expected=stale)
    assert (await carts.open(guest))[0].quantities == {"LAMP": 2}
    assert (await carts.merge(owner, guest, expected=1)).cart.quantities == {"LAMP": 3}


async def test_a_merge_with_a_key_is_replayed_even_where_the_version_moved_on(
    carts: CartStore, redis: Redis, owner: UUID
) -> None:
    guest = await filled(carts, {"LAMP": 2})
    first = await carts.merge(owner, guest, expected=0, request=REQUEST)
    await redis.delete(f"{key_of(guest)}:merged:{owner}")
    again = await carts.merge(owner, guest, expected=0, request=REQUEST)
    assert (first.was_replayed, again.was_replayed, again.cart) == (False, True, first.cart)
    with pytest.raises(KeyReused):
        await carts.merge(owner, guest, request=KeyedRequest(REQUEST.key, "two"))
    with pytest.raises(KeyReused):
        await carts.add(owner, units("LAMP"), request=KeyedRequest(REQUEST.key, "three"))
    assert await carts.has_used(owner, REQUEST.key)


async def test_an_empty_guests_cart_leaves_the_users_as_it_is(carts: CartStore, owner: UUID) -> None:
    mine, _ = await carts.add(owner, units("LAMP"))
    assert (await carts.merge(owner, await filled(carts, {}))).cart == mine


lines = st.dictionaries(st.sampled_from(["A", "B", "C", "D", "E", "q:A", "p:A"]), st.integers(1, 999))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=lines, theirs=lines, repetitions=st.integers(1, 3))
async def test_a_unit_is_in_exactly_one_of_the_two_carts(
    redis: Redis, mine: dict[str, int], theirs: dict[str, int], repetitions: int
) -> None:
    carts = CartStore(redis, lifetime=timedelta(days=1), guest_lifetime=timedelta(days=1), max_lines=4)
    owner, cart = uuid4(), None
    for sku, quantity in list(mine.items())[:4]:
        cart, _ = await carts.add(owner, units(sku, quantity))
    before = dict(cart.quantities) if cart else {}
    guest_lines = dict(list(theirs.items())[:4])
    guest = await filled(carts, guest_lines)
    for _ in range(repetitions):
        merged = await carts.merge(owner, guest)
    stayed = {left.sku: left.quantity for left in merged.left_out}
    assert stayed == await rest(carts, guest)
    after = merged.cart.quantities
    assert len(after) <= 4
    assert all(quantity <= 999 for quantity in after.values())
    for sku in before.keys() | guest_lines.keys():
        assert before.get(sku, 0) + guest_lines.get(sku, 0) == after.get(sku, 0) + stayed.get(sku, 0)


async def rest(carts: CartStore, guest: Guest) -> dict[str, int]:
    try:
        cart: Cart = (await carts.open(guest))[0]
    except CartTokenUnknown:
        return {}
    return dict(cart.quantities)
