"""A cart: lines that add up within their limits, in one currency, for as long as somebody comes back to it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from domain.errors import CurrencyMismatch, NotFound, OutOfStock, QuantityOutOfRange, TooManyLines
from services.carts import CartStore, Guest, Line, Owner
from services.carts.owners import key_of
from services.carts.store import MAX_UNITS_PER_LINE
from tests.services.carts.conftest import units


async def test_a_cart_is_made_once_and_then_there(carts: CartStore, owner: UUID) -> None:
    cart, was_new = await carts.open(owner)
    again, is_new = await carts.open(owner)
    assert (was_new, is_new) == (True, False)
    assert (again.id, again.version, again.currency, again.quantities) == (cart.id, 0, None, {})


async def test_units_of_a_line_add_up_and_each_change_is_a_version(carts: CartStore, owner: UUID) -> None:
    opened, _ = await carts.open(owner)
    await carts.add(owner, units("LAMP", 2))
    await carts.add(owner, units("SHADE"))
    cart, was_replayed = await carts.add(owner, units("LAMP", 3))
    assert (cart.quantities, cart.version, cart.currency) == ({"LAMP": 5, "SHADE": 1}, 3, "USD")
    assert list(cart.quantities) == ["LAMP", "SHADE"], "in the order in which they were added"
    assert (cart.id, was_replayed) == (opened.id, False)


async def test_the_first_line_opens_a_cart_by_itself(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP"))
    assert (await carts.open(owner))[0].id == cart.id


async def test_a_cart_is_its_owners_own(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    assert (await carts.open(uuid4()))[0].quantities == {}


async def test_a_line_is_set_and_removed(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", 5))
    await carts.add(owner, units("SHADE"))
    assert (await carts.set_quantity(owner, units("LAMP", 2, available=10))).quantities == {"LAMP": 2, "SHADE": 1}
    cart = await carts.remove(owner, "LAMP")
    assert (cart.quantities, cart.version) == ({"SHADE": 1}, 4)
    again, _ = await carts.add(owner, units("LAMP"))
    assert list(again.quantities) == ["SHADE", "LAMP"], "what comes back stands at the end"


async def test_a_line_that_is_not_there_cannot_be_set(carts: CartStore, owner: UUID) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await carts.set_quantity(owner, units("LAMP", 1, available=10))
        await carts.open(owner)


async def test_more_than_there_is_does_not_go_in(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", 3, available=4))
    with pytest.raises(OutOfStock) as refused:
        await carts.add(owner, units("LAMP", 2, available=4))
    assert refused.value.facts == {"lines": [{"sku": "LAMP", "requested": 5, "available": 4}]}
    with pytest.raises(OutOfStock):
        await carts.set_quantity(owner, units("LAMP", 5, available=4))
    with pytest.raises(OutOfStock) as refused:
        await carts.add(uuid4(), units("LAMP", available=-2))
    assert refused.value.facts["lines"][0]["available"] == 0
    assert (await carts.open(owner))[0].quantities == {"LAMP": 3}


async def test_a_line_has_at_most_999_units(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", MAX_UNITS_PER_LINE, available=5000))
    with pytest.raises(QuantityOutOfRange):
        await carts.add(owner, units("LAMP", 1, available=5000))
    assert (await carts.open(owner))[0].quantities == {"LAMP": 999}


async def test_a_cart_has_a_limit_of_lines_but_not_on_the_lines_it_has(redis: Redis, owner: UUID) -> None:
    carts = CartStore(redis, lifetime=timedelta(days=1), guest_lifetime=timedelta(days=1), max_lines=3)
    for sku in ("A", "B", "C"):
        await carts.add(owner, units(sku))
    with pytest.raises(TooManyLines):
        await carts.add(owner, units("D"))
    await carts.add(owner, units("C"))
    await carts.remove(owner, "A")
    assert (await carts.add(owner, units("D")))[0].quantities == {"B": 1, "C": 2, "D": 1}


async def test_a_cart_has_one_currency_until_it_is_empty(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    with pytest.raises(CurrencyMismatch):
        await carts.add(owner, units("LAMPE", currency="EUR"))
    assert (await carts.remove(owner, "LAMP")).currency is None
    assert (await carts.add(owner, units("LAMPE", currency="EUR")))[0].currency == "EUR"


async def test_a_refusal_makes_no_cart_and_no_version(carts: CartStore, redis: Redis, owner: UUID) -> None:
    with pytest.raises(OutOfStock):
        await carts.add(owner, units("LAMP", available=0))
    assert await redis.keys("cart:*") == []
    await carts.add(owner, units("LAMP"))
    with pytest.raises(OutOfStock):
        await carts.add(owner, units("SHADE", available=0))
    assert (await carts.open(owner))[0].version == 1


@pytest.mark.parametrize(
    ("whose", "days"), [(uuid4(), 30), (Guest.draw()[1], 7)], ids=["a user's cart", "a guest's cart"]
)
async def test_each_change_gives_a_cart_its_whole_lifetime_again_and_looking_gives_none(
    redis: Redis, whose: Owner, days: int
) -> None:
    day = timedelta(days=1)
    carts = CartStore(redis, lifetime=30 * day, guest_lifetime=7 * day, max_lines=10)
    ending = CartStore(redis, lifetime=day, guest_lifetime=day, max_lines=10)
    for change in (carts.add, carts.set_quantity):
        await ending.add(whose, units("LAMP"))
        seen, _ = await carts.open(whose)
        assert seen.expires_at <= datetime.now(UTC) + day
        await change(whose, units("LAMP"))
        cart, _ = await ending.open(whose)
        assert seen.expires_at + (days - 1) * day <= cart.expires_at <= datetime.now(UTC) + days * day
        kept = datetime.now(UTC) + timedelta(milliseconds=await redis.pttl(key_of(whose)))
        assert abs(kept - cart.expires_at) < timedelta(seconds=5), "what it says is what Redis does"


async def test_a_cart_that_ran_out_or_was_deleted_is_another_one(carts: CartStore, redis: Redis, owner: UUID) -> None:
    first, _ = await carts.add(owner, units("LAMP"))
    await redis.pexpire(key_of(owner), 1)
    while await redis.exists(key_of(owner)):
        pass
    second, is_new = await carts.open(owner)
    await carts.delete(owner)
    third, _ = await carts.open(owner)
    assert is_new
    assert (second.quantities, third.quantities) == ({}, {})
    assert len({first.id, second.id, third.id}) == 3


@pytest.mark.parametrize("sku", ["LAMP:1", "q:LAMP", "p:LAMP", "ÄMPEL 5 %", "id", "version", "a'b\"c"])
async def test_a_sku_may_be_any_text(carts: CartStore, owner: UUID, sku: str) -> None:
    await carts.add(owner, units(sku, 2))
    cart, _ = await carts.add(owner, units(sku))
    assert (cart.quantities, cart.version) == ({sku: 3}, 2)


async def test_a_line_remembers_the_price_at_which_it_was_last_set(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP", price=1000))
    await carts.add(owner, units("SHADE", price=300))
    cart, _ = await carts.add(owner, units("LAMP", price=1100))
    assert cart.prices_seen == {"LAMP": 1100, "SHADE": 300}
    cart = await carts.set_quantity(owner, units("SHADE", 2, price=0))
    assert cart.prices_seen == {"LAMP": 1100, "SHADE": 0}
    await carts.remove(owner, "LAMP")
    assert (await carts.open(owner))[0].prices_seen == {"SHADE": 0}


async def test_what_is_not_sold_is_neither_added_nor_set_but_taken_out(carts: CartStore, owner: UUID) -> None:
    unsold = Line("LAMP", 2, None, 0)
    with pytest.raises(NotFound):
        await carts.add(owner, unsold)
    await carts.add(owner, units("LAMP"))
    with pytest.raises(NotFound):
        await carts.set_quantity(owner, unsold)
    assert (await carts.remove(owner, "LAMP")).quantities == {}


async def test_a_line_whose_currency_changed_is_not_set(carts: CartStore, owner: UUID) -> None:
    await carts.add(owner, units("LAMP"))
    with pytest.raises(CurrencyMismatch):
        await carts.set_quantity(owner, units("LAMP", 2, currency="EUR"))
