"""Transactions are ordered as numbers."""

from uuid import uuid4

from core.database import Database
from services.search import index, projecting
from services.search.index import Position
from tests.builders import Shop
from tests.search import Index


async def test_a_transaction_with_more_digits_comes_after_one_with_fewer(
    shop: Shop, database: Database, search_index: Index
) -> None:
    lamp, vase = await shop.product("LAMP"), await shop.product("VASE")
    generation = index.generation_named(uuid4().hex[:12])
    await index.create(search_index.redis, generation, Position("98", 0, 0.0))
    await shop.rows("DELETE FROM search_changes")
    await shop.rows(
        "INSERT INTO search_changes (xid, product_id) VALUES (CAST('101' AS xid8), :vase), (CAST('99' AS xid8), :lamp)",
        lamp=lamp,
        vase=vase,
    )
    async with database.reading() as session:
        assert await projecting.project(session, search_index.redis, generation) == 2
        assert await projecting.project(session, search_index.redis, generation) == 0
