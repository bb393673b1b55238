"""What comes back from a customer: onto the shelf that it was sold from, once."""

import pytest
from sqlalchemy.exc import IntegrityError

from services import inventory
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import delivered, requested
from tests.services.inventory.stockroom import Stockroom


async def test_units_go_back_to_the_first_location_that_they_were_sold_from(
    shop: Shop, stockroom: Stockroom, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=1)
    await shop.product("MUG", stock=0)
    await stockroom.adjust("LAMP", location="annex", delta=5)
    await stockroom.adjust("MUG", location="annex", delta=3)
    order_id = await delivered(shop, gateway, {"LAMP": 3, "MUG": 3})
    return_id = await requested(shop, order_id, {"LAMP": 2, "MUG": 1})
    async with shop.database.transaction() as session:
        await inventory.take_back(session, order_id, return_id, {"LAMP": 2, "MUG": 1})
    assert await stockroom.there("LAMP") == {"main": (2, 0), "annex": (3, 0)}
    assert (await stockroom.there("MUG"))["annex"] == (1, 0)
    assert (await stockroom.ledger("MUG"))[-1] == ("annex", "return", 1)
    assert (await stockroom.events("MUG"))[-1] == "back"
    await shop.rows("UPDATE returns SET status = 'received', restock = true, received_at = now()")
    await shop.require_invariants()


async def test_the_ledger_refuses_to_take_the_same_return_back_twice(
    shop: Shop, stockroom: Stockroom, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await delivered(shop, gateway, {"LAMP": 3})
    return_id = await requested(shop, order_id, {"LAMP": 2})
    async with shop.database.transaction() as session:
        await inventory.take_back(session, order_id, return_id, {"LAMP": 2})
    with pytest.raises(IntegrityError):
        async with shop.database.transaction() as session:
            await inventory.take_back(session, order_id, return_id, {"LAMP": 2})
    assert await shop.stock("LAMP") == (9, 0)
    await shop.rows("UPDATE returns SET status = 'received', restock = true, received_at = now()")
    await shop.require_invariants()
