"""take_cart_lines: an accepted order empties its cart of what it bought, once."""

from dataclasses import replace
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from activities.carts import CartActivities
from core.settings import Settings
from domain.messages.checkout import OrderStep
from domain.money import Money
from services.carts import CartStore, Line
from services.orders import requesting
from tests.activities.conftest import run
from tests.builders import Shop


def lamps(quantity: int) -> Line:
    return Line("LAMP", quantity, Money(1999, "USD"), available=100)


@pytest.fixture
async def user_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.user()


@pytest.fixture
async def order_id(shop: Shop, carts: CartStore, user_id: UUID) -> UUID:
    """A request for two lamps out of a cart of three."""
    cart, _ = await carts.add(user_id, lamps(3))
    new = replace(await shop.new_request({"LAMP": 2}, user_id=user_id), cart_id=cart.id, cart_version=cart.version)
    async with shop.database.transaction() as session:
        await requesting.record(session, new)
    return new.order_id


async def test_lines_are_taken_once_and_the_shopper_may_be_told(
    shop: Shop, carts: CartStore, cart_lines: CartActivities, user_id: UUID, order_id: UUID
) -> None:
    for _ in range(2):
        await run(cart_lines.take_cart_lines, OrderStep(str(order_id)))
    assert (await carts.open(user_id))[0].quantities == {"LAMP": 1}
    request = await shop.claim(order_id)
    assert (request.claim, request.taken_version, request.outcome) == ("taken", 2, "accepted")


async def test_what_is_added_between_two_attempts_stays(
    shop: Shop, carts: CartStore, cart_lines: CartActivities, user_id: UUID, order_id: UUID
) -> None:
    """The first attempt died after it had taken the lines and before it said so."""
    request = await shop.claim(order_id)
    await carts.take(user_id, request.cart_id, order_id, {"LAMP": 2})
    await carts.add(user_id, lamps(5))
    await run(cart_lines.take_cart_lines, OrderStep(str(order_id)), attempt=2)
    assert (await carts.open(user_id))[0].quantities == {"LAMP": 6}
    assert (await shop.claim(order_id)).claim == "taken"


async def test_a_cart_that_is_gone_holds_no_order_up(
    shop: Shop, carts: CartStore, cart_lines: CartActivities, user_id: UUID, order_id: UUID
) -> None:
    await carts.delete(user_id)
    await carts.add(user_id, lamps(4))
    for _ in range(2):
        await run(cart_lines.take_cart_lines, OrderStep(str(order_id)))
    assert (await carts.open(user_id))[0].quantities == {"LAMP": 4}, "another cart is another cart"
    request = await shop.claim(order_id)
    assert (request.claim, request.taken_version, request.outcome) == ("taken", 0, "accepted")


async def test_while_redis_is_away_nothing_is_said_and_the_step_is_repeated(
    shop: Shop, settings: Settings, cart_lines: CartActivities, order_id: UUID
) -> None:
    away = CartStore.from_settings(Redis(port=1), settings)
    with pytest.raises(RedisAway):
        await run(CartActivities(shop.database, away).take_cart_lines, OrderStep(str(order_id)))
    assert (await shop.claim(order_id)).outcome is None
    await run(cart_lines.take_cart_lines, OrderStep(str(order_id)), attempt=2)
    assert (await shop.claim(order_id)).outcome == "accepted"
