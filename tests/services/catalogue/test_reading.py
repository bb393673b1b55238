"""The catalogue as shoppers see it: stored bytes that are what the rows say, and what a SKU costs now."""

import json
from uuid import uuid4

import pytest

from api.schemas.catalogue import ProductView
from domain.errors import NotFound
from domain.money import Money
from models.catalogue import Variant
from services.catalogue import publishing, reading, selling
from services.catalogue.reading import Shown
from services.catalogue.selling import Offer
from tests.builders import Shop
from tests.queries import counted_queries


async def offers(shop: Shop, *skus: str) -> dict[str, Offer]:
    async with shop.database.transaction() as session:
        return await selling.offers(session, skus)


async def show(shop: Shop, id_or_slug: object) -> Shown:
    async with shop.database.reading() as session:
        return await reading.product(session, str(id_or_slug))


def view(product: Shown) -> ProductView:
    """The stored bytes, held to the schema that documents them."""
    assert set(json.loads(product.json)) == set(ProductView.model_fields)
    return ProductView.model_validate_json(product.json, strict=True)


async def test_a_product_is_found_by_its_id_and_by_its_slug_in_one_query(shop: Shop) -> None:
    product_id = await shop.product("LAMP-M", stock=0)
    async with shop.database.transaction() as session:
        for sku, position in (("LAMP-S", -1), ("LAMP-L", 1)):
            session.add(Variant(product_id=product_id, sku=sku, position=position, price=1, currency="USD", options={}))
        await publishing.publish(session, [product_id])
    async with shop.database.reading() as session:
        with counted_queries(shop.database) as asked:
            by_id = await reading.product(session, str(product_id))
            by_slug = await reading.product(session, by_id.slug)
        for name in (str(uuid4()), "no-such-lamp"):
            with pytest.raises(NotFound):
                await reading.product(session, name)
    assert len(asked) == 2
    assert by_slug == by_id
    shown = view(by_id)
    assert shown.id == by_id.id == product_id
    assert [variant.sku for variant in shown.variants] == ["LAMP-S", "LAMP-M", "LAMP-L"]
    assert shown.category is None
    assert not shown.in_stock


async def test_what_is_not_active_is_there_for_who_may_see_it(shop: Shop) -> None:
    for status in ("draft", "archived"):
        hidden = str(await shop.product(f"{status.upper()}-LAMP", status=status))
        with pytest.raises(NotFound):
            await show(shop, hidden)
        async with shop.database.reading() as session:
            found = await reading.product(session, hidden, with_hidden=True)
        assert view(found).status == status


async def test_a_product_is_in_stock_while_a_unit_of_it_is_free(shop: Shop) -> None:
    product_id = await shop.product("LAMP", stock=2)
    for is_left in (True, False):
        await shop.held({"LAMP": 1})
        assert view(await show(shop, product_id)).in_stock is is_left


async def test_publishing_writes_what_the_rows_say_and_costs_the_same_for_many(shop: Shop) -> None:
    ids = [await shop.product(f"LAMP-{n}") for n in range(12)]
    await shop.rows("UPDATE products SET name = 'New', price = NULL")
    await shop.rows("UPDATE variants SET price = 5")
    asked = {}
    for some in (ids[:2], ids[2:]):
        async with shop.database.transaction() as session:
            with counted_queries(shop.database) as queries:
                await publishing.publish(session, some)
        asked[len(some)] = len(queries)
    assert asked == {2: 5, 10: 5}
    assert {row[0] for row in await shop.rows("SELECT price FROM products")} == {5}
    shown = view(await show(shop, ids[7]))
    assert (shown.name, shown.variants[0].price.amount) == ("New", 5)


async def test_an_offer_is_todays_price_and_what_is_left(shop: Shop) -> None:
    product_id = await shop.product("LAMP", stock=5, price=1999)
    await shop.product("OLD", status="archived", currency="EUR")
    await shop.held({"LAMP": 2})
    with counted_queries(shop.database) as asked:
        found = await offers(shop, "LAMP", "OLD", "UNKNOWN", "LAMP")
    assert len(asked) == 1
    assert set(found) == {"LAMP", "OLD"}
    assert found["LAMP"] == Offer("LAMP", product_id, "The LAMP", Money(1999, "USD"), available=3, sold=True)
    assert not found["OLD"].sold
    await shop.rows("UPDATE variants SET price = 5")
    assert (await offers(shop, "LAMP"))["LAMP"].price == Money(5, "USD")
    assert await offers(shop) == {}


async def test_a_sku_that_is_not_sold_has_no_offer(shop: Shop) -> None:
    await shop.product("OLD", status="archived")
    for sku in ("OLD", "UNKNOWN", "", "'; DROP TABLE users; --"):
        async with shop.database.transaction() as session:
            with pytest.raises(NotFound):
                await selling.offer(session, sku)


@pytest.mark.spoils_books
async def test_a_sku_that_was_never_in_stock_is_offered_with_none(shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.rows("DELETE FROM stock")
    assert (await offers(shop, "LAMP"))["LAMP"].available == 0
