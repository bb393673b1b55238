"""Many changes of one cart at once: none is lost, none counts twice."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

from domain.errors import Fact
from services.carts import CartStore, Line
from services.carts.store import KeyedRequest
from tests.services.carts.conftest import units


async def outcome(carts: CartStore, owner: UUID, line: Line, expected: int | None = None) -> str:
    try:
        await carts.add(owner, line, expected=expected)
    except Fact as refusal:
        return refusal.code
    return "added"


async def test_two_hundred_additions_at_once_of_fifty_skus_all_count(carts: CartStore, owner: UUID) -> None:
    lines = [units(f"SKU-{number % 50}", number // 50 + 1) for number in range(200)]
    await asyncio.gather(*(carts.add(owner, line) for line in lines))
    cart, _ = await carts.open(owner)
    assert cart.quantities == {f"SKU-{number}": 1 + 2 + 3 + 4 for number in range(50)}
    assert cart.version == 200


async def test_twenty_additions_of_the_last_five_units_put_five_in(carts: CartStore, owner: UUID) -> None:
    outcomes = await asyncio.gather(*(outcome(carts, owner, units("LAMP", available=5)) for _ in range(20)))
    assert Counter(outcomes) == {"added": 5, "out-of-stock": 15}
    assert (await carts.open(owner))[0].quantities == {"LAMP": 5}


async def test_of_ten_changes_of_the_same_version_one_is_made(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP"))
    outcomes = await asyncio.gather(*(outcome(carts, owner, units("LAMP"), cart.version) for _ in range(10)))
    assert Counter(outcomes) == {"added": 1, "stale": 9}
    assert (await carts.open(owner))[0].quantities == {"LAMP": 2}


async def test_twenty_identical_requests_at_once_add_once(carts: CartStore, owner: UUID) -> None:
    request = KeyedRequest("a-key-of-16-characters", "one")
    answers = await asyncio.gather(*(carts.add(owner, units("LAMP", 2), request=request) for _ in range(20)))
    assert Counter(was_replayed for _, was_replayed in answers) == {False: 1, True: 19}
    assert all(cart.quantities == {"LAMP": 2} for cart, _ in answers)


async def test_twenty_tabs_open_one_cart(carts: CartStore, owner: UUID) -> None:
    opened = await asyncio.gather(*(carts.open(owner) for _ in range(20)))
    assert len({cart.id for cart, _ in opened}) == 1
    assert sum(is_new for _, is_new in opened) == 1


async def test_an_order_that_takes_its_lines_ten_times_at_once_takes_them_once(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP", 9))
    order_id = uuid4()
    versions = await asyncio.gather(*(carts.take(owner, cart.id, order_id, {"LAMP": 2}) for _ in range(10)))
    assert set(versions) == {2}
    assert (await carts.open(owner))[0].quantities == {"LAMP": 7}


async def test_what_is_added_while_an_order_takes_its_lines_stays(carts: CartStore, owner: UUID) -> None:
    cart, _ = await carts.add(owner, units("LAMP", 10))
    await asyncio.gather(
        carts.take(owner, cart.id, uuid4(), {"LAMP": 10}), *(carts.add(owner, units("LAMP")) for _ in range(10))
    )
    assert (await carts.open(owner))[0].quantities == {"LAMP": 10}
