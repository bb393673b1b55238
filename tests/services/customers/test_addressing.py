"""The address book: never two defaults, never none while there is an address, and nobody else's."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from domain.errors import NotFound, NotSignedIn, TooManyAddresses
from models.customers import Address
from services.customers import addressing
from tests.builders import ADDRESS, Shop
from tests.services.customers.conftest import Apply


async def add(apply: Apply, user_id: UUID, city: str, *, as_default: bool = False) -> UUID:
    added: UUID = await apply(addressing.add, user_id, ADDRESS | {"city": city}, as_default)
    return added


async def book(apply: Apply, user_id: UUID) -> list[tuple[str, bool]]:
    """(city, whether it is the default), the newest first."""
    rows: list[Address] = await apply(addressing.page, user_id, 100)
    return [(row.city, row.is_default) for row in rows]


async def test_the_first_address_is_the_default_and_another_takes_its_place_when_it_is_said_so(
    apply: Apply, ada: UUID
) -> None:
    await add(apply, ada, "Portland")
    await add(apply, ada, "Salem")
    assert await book(apply, ada) == [("Salem", False), ("Portland", True)]
    await add(apply, ada, "Bend", as_default=True)
    assert await book(apply, ada) == [("Bend", True), ("Salem", False), ("Portland", False)]


async def test_a_change_moves_the_default_and_leaves_it_where_it_is_not_asked(apply: Apply, ada: UUID) -> None:
    first, second = await add(apply, ada, "Portland"), await add(apply, ada, "Salem")
    await apply(addressing.change, ada, first, {"city": "Eugene"}, as_default=False)
    assert await book(apply, ada) == [("Salem", False), ("Eugene", True)]
    for _ in range(2):
        await apply(addressing.change, ada, second, {}, as_default=True)
        assert await book(apply, ada) == [("Salem", True), ("Eugene", False)]


async def test_a_default_that_is_removed_passes_on_to_the_newest_of_the_others(apply: Apply, ada: UUID) -> None:
    ids = [await add(apply, ada, city) for city in ("Portland", "Salem", "Bend")]
    await apply(addressing.remove, ada, ids[0])
    assert await book(apply, ada) == [("Bend", True), ("Salem", False)]
    await apply(addressing.remove, ada, ids[1])
    assert await book(apply, ada) == [("Bend", True)]
    await apply(addressing.remove, ada, ids[2])
    assert await book(apply, ada) == []
    await add(apply, ada, "Astoria")
    assert await book(apply, ada) == [("Astoria", True)]


async def test_of_many_changes_at_once_one_default_is_left(apply: Apply, ada: UUID) -> None:
    ids = [await add(apply, ada, f"City {number}") for number in range(4)]
    await asyncio.gather(
        *(apply(addressing.change, ada, address_id, {}, as_default=True) for address_id in ids * 2),
        *(add(apply, ada, f"New {number}", as_default=True) for number in range(4)),
        apply(addressing.remove, ada, ids[0]),
        return_exceptions=True,
    )
    defaults = [is_default for _, is_default in await book(apply, ada)]
    assert (len(defaults), defaults.count(True)) == (7, 1)


async def test_first_addresses_that_come_at_once_make_one_default(apply: Apply, ada: UUID) -> None:
    await asyncio.gather(*(add(apply, ada, f"City {number}") for number in range(6)))
    defaults = [is_default for _, is_default in await book(apply, ada)]
    assert (len(defaults), defaults.count(True)) == (6, 1)


async def test_an_address_book_is_full_at_some_point_also_when_they_come_at_once(
    apply: Apply, ada: UUID, shop: Shop
) -> None:
    for number in range(addressing.MAX_ADDRESSES - 2):
        await add(apply, ada, f"City {number}")
    outcomes = await asyncio.gather(*(add(apply, ada, "One more") for _ in range(5)), return_exceptions=True)
    assert [isinstance(outcome, TooManyAddresses) for outcome in outcomes].count(True) == 3
    assert await shop.rows("SELECT count(*) FROM addresses") == [(addressing.MAX_ADDRESSES,)]


async def test_anothers_address_is_not_there(apply: Apply, ada: UUID, shop: Shop) -> None:
    bob = await shop.user()
    hers = await add(apply, ada, "Portland")
    for address_id in (hers, uuid4()):
        with pytest.raises(NotFound):
            await apply(addressing.one, bob, address_id)
        with pytest.raises(NotFound):
            await apply(addressing.change, bob, address_id, {"city": "Bob's"}, as_default=True)
        with pytest.raises(NotFound):
            await apply(addressing.remove, bob, address_id)
    assert await book(apply, ada) == [("Portland", True)]


async def test_an_account_that_is_gone_gets_no_address(apply: Apply, ada: UUID, shop: Shop) -> None:
    await shop.rows("UPDATE users SET is_active = false")
    with pytest.raises(NotSignedIn):
        await add(apply, ada, "Portland")


async def test_the_database_itself_refuses_a_second_default(apply: Apply, ada: UUID, shop: Shop) -> None:
    await add(apply, ada, "Portland")
    await add(apply, ada, "Salem")
    with pytest.raises(IntegrityError, match="uq_addresses_default"):
        await shop.rows("UPDATE addresses SET is_default = true")
