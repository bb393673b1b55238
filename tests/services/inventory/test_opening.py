"""Stock of SKUs that are new, and of those that go."""

from models.inventory import StockSessionKind
from services import inventory
from services.inventory.opening import open_at
from tests.builders import Shop
from tests.queries import counted_queries
from tests.services.inventory.stockroom import Stockroom


async def opened(shop: Shop, units: dict[str, int], threshold: int = 3) -> set[str]:
    async with shop.database.transaction() as session:
        return await inventory.open_stock(session, units, threshold=threshold, reason="opening stock")


async def without_stock(shop: Shop, *skus: str) -> None:
    """Products whose stock nobody has opened."""
    for sku in skus:
        await shop.product(sku)
    await shop.rows("WITH gone AS (DELETE FROM stock_movements) DELETE FROM stock")


async def test_opening_stock_is_a_receipt_at_the_main_location(stockroom: Stockroom, shop: Shop) -> None:
    await without_stock(shop, "LAMP", "SHADE")
    assert await opened(shop, {"LAMP": 7, "SHADE": 0}) == {"LAMP", "SHADE"}
    assert await stockroom.there("LAMP") == {"main": (7, 0)}
    assert await stockroom.there("SHADE") == {"main": (0, 0)}
    assert await stockroom.ledger("LAMP") == [("main", "receipt", 7)]
    assert await stockroom.ledger("SHADE") == []
    assert (await stockroom.picture("SHADE")).low_stock_threshold == 3
    await shop.require_invariants()


async def test_a_sku_that_has_stock_already_is_left_as_it_is(stockroom: Stockroom, shop: Shop) -> None:
    await without_stock(shop, "LAMP", "SHADE")
    await opened(shop, {"LAMP": 7})
    assert await opened(shop, {"LAMP": 100, "SHADE": 2}, threshold=50) == {"SHADE"}
    assert await stockroom.there("LAMP") == {"main": (7, 0)}
    assert (await stockroom.picture("LAMP")).low_stock_threshold == 3


async def test_opening_costs_one_statement_whatever_the_number(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(12)]
    await without_stock(shop, *skus)
    with counted_queries(shop.database) as asked:
        assert await opened(shop, dict.fromkeys(skus, 4)) == set(skus)
    assert len(asked) == 1
    assert await opened(shop, {}) == set()
    await shop.require_invariants()


async def test_a_shelf_at_another_location_has_the_skus_threshold(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=1)
    await stockroom.set_threshold("LAMP", 9)
    await stockroom.adjust("LAMP", location="annex", delta=1)
    thresholds = await shop.rows("SELECT low_stock_threshold FROM stock WHERE sku = 'LAMP'")
    assert thresholds == [(9,), (9,)]


async def test_a_shelf_is_opened_for_known_skus_only(stockroom: Stockroom, shop: Shop) -> None:
    async with shop.database.transaction() as session:
        await open_at(session, ["NOPE"], await inventory.main_location(session))
    assert await shop.rows("SELECT sku FROM stock") == []


async def test_a_sku_that_is_forgotten_can_be_deleted(stockroom: Stockroom, shop: Shop) -> None:
    await shop.product("LAMP", stock=6)
    await shop.product("SHADE", stock=6)
    session_id = await stockroom.open_session(StockSessionKind.COUNT)
    for sku in ("LAMP", "SHADE"):
        await stockroom.put(session_id, **{sku: 5})
        await stockroom.adjust(sku, delta=-6)
    async with shop.database.transaction() as session:
        await inventory.forget(session, ["LAMP"])
    await shop.rows("DELETE FROM variants WHERE sku = 'LAMP'")
    assert await stockroom.events("SHADE") == ["low", "out"]
    assert await stockroom.ledger("SHADE") == [("main", "receipt", 6), ("main", "adjustment", -6)]
    await shop.require_invariants()
