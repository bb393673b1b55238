"""Searching products: what is found and in which order, with the index and without it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from sqlalchemy import update
from sqlmodel import col

from core.database import Database
from models.catalogue import Category, Product
from services.catalogue import publishing
from tests.api.conftest import Caller, Wires
from tests.api.shopping import refused
from tests.builders import Shop
from tests.search import Index

Stocked = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def index(database: Database, redis: Redis) -> Index:
    return Index(database, redis)


@pytest.fixture(params=["redis", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stocked(shop: Shop, index: Index, engine: str) -> Stocked:
    """`await stocked({"name": …}, …)`: these products, each newer than the one before; the index where it answers."""

    async def stock(*products: dict[str, Any]) -> list[str]:
        ids = []
        for number, fields in enumerate(products):
            name, more = fields.get("name"), {key: value for key, value in fields.items() if key != "name"}
            attributes = more.pop("attributes", None)
            product_id = await shop.product(f"P{number}", **more)
            changes = {"name": name or f"P{number}", "attributes": attributes or {}}
            async with shop.database.transaction() as session:
                await session.execute(update(Product).where(col(Product.id) == product_id).values(**changes))
                await publishing.publish(session, [product_id])
            ids.append(str(product_id))
        if engine == "redis":
            await index.build()
        return ids

    return stock


async def found(caller: Caller, **query: Any) -> dict[str, Any]:
    answer = await caller.get("/products", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page["total"] >= len(page["items"])
    return page


async def names(caller: Caller, **query: Any) -> list[str]:
    return [product["name"] for product in (await found(caller, **query))["items"]]


async def test_the_name_counts_over_the_brand_over_the_description(anonymous: Caller, stocked: Stocked) -> None:
    await stocked(
        {"name": "Brass lamp"},
        {"name": "Shade", "brand": "Lamp & Co"},
        {"name": "Table", "description": "Room for a lamp, a lamp and a lamp."},
        {"name": "Lampshade"},
        {"name": "Vase"},
    )
    assert await names(anonymous, q="lamp") == ["Brass lamp", "Shade", "Table", "Lampshade"]
    assert await names(anonymous, q="LÁMP!") == ["Brass lamp", "Shade", "Table", "Lampshade"]
    assert await names(anonymous, q="lam") == ["Lampshade", "Shade", "Brass lamp"], "the newest first among equals"


async def test_all_words_must_be_found_and_one_in_the_name_counts(anonymous: Caller, stocked: Stocked) -> None:
    await stocked(
        {"name": "Oak lamp"},
        {"name": "Lamp", "brand": "Oak"},
        {"name": "Lamp", "description": "oak"},
        {"name": "Hanger", "description": "lamp oak"},
        {"name": "Oakwood lamp"},
        {"name": "Oak"},
    )
    ids = [product["brand"] or product["description"] or product["name"] for product in
           (await found(anonymous, q="lamp oak"))["items"]]  # fmt: skip
    assert ids == ["Oak lamp", "Oak", "oak", "lamp oak", "Oakwood lamp"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lsmp", ["Lamp"]),
        ("lammp", ["Lamp"]),
        ("lampz", ["Lamp"]),
        ("lap", []),  # too short to be taken for anything else
        ("lamp2", []),
        ("lampshde", ["Lampshade"]),
        ("lmapshade", ["Lampshade"]),
    ],
)
async def test_a_typing_error_finds_what_was_meant_last_of_all(
    anonymous: Caller, stocked: Stocked, engine: str, typed: str, meant: list[str]
) -> None:
    """By the index alone: Postgres finds what was typed."""
    await stocked({"name": "Lamp"}, {"name": "Lampshade"}, {"name": typed}, {"name": "Kettle"})
    assert await names(anonymous, q=typed) == [typed, *(meant if engine == "redis" else [])]


async def test_filters_hold_together(anonymous: Caller, stocked: Stocked, database: Database) -> None:
    async with database.transaction() as session:
        home = Category(slug="home", name="Home")
        session.add(home)
        await session.flush()
        lighting = Category(slug="lighting", name="Lighting", parent_id=home.id)
        session.add(lighting)
        await session.flush()
    await stocked(
        {"name": "A", "brand": "Volt", "category_id": lighting.id, "price": 500, "attributes": {"material": "oak"}},
        {
            "name": "B",
            "brand": "Volt",
            "category_id": home.id,
            "price": 1500,
            "attributes": {"material": ["oak", "tin"]},
        },
        {"name": "C", "category_id": lighting.id, "price": 2500, "stock": 0, "attributes": {"watts": 40, "dim": True}},
    )
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"category": "home"}, ["C", "B", "A"]),
        ({"category": "lighting"}, ["C", "A"]),
        ({"brand": "Volt", "category": "lighting"}, ["A"]),
        ({"brand": "volt"}, []),
        ({"price_min": 500, "price_max": 1500}, ["B", "A"]),
        ({"price_min": 1501}, ["C"]),
        ({"price_min": 9, "price_max": 8}, []),
        ({"in_stock": True}, ["B", "A"]),
        ({"in_stock": False}, ["C"]),
        ({"attributes": "material:oak"}, ["B", "A"]),
        ({"attributes": ["material:tin", "material:oak"]}, ["B", "A"]),
        ({"attributes": ["material:tin", "watts:40"]}, []),
        ({"attributes": ["watts:40", "dim:true"]}, ["C"]),
        ({"q": "a", "attributes": "material:oak"}, ["A"]),
    ]
    for query, there in expected:
        page = await found(anonymous, **query)
        assert ([product["name"] for product in page["items"]], page["total"]) == (there, len(there)), query


async def test_facets_count_what_was_found_when_asked(anonymous: Caller, stocked: Stocked) -> None:
    await stocked(
        {"name": "Oak lamp", "brand": "Volt", "price": 500, "attributes": {"material": "oak", "watts": 40}},
        {"name": "Tin lamp", "brand": "Volt", "price": 1999, "attributes": {"material": ["tin", "oak"]}},
        {"name": "Vase", "brand": "Ohm", "price": 1000, "stock": 0},
    )
    assert (await found(anonymous, q="lamp"))["facets"] is None
    assert (await found(anonymous, q="lamp", facets=True, limit=1))["facets"] == {
        "category": [],
        "brand": [{"value": "Volt", "count": 2}],
        "price": [{"from": 500, "to": 999, "count": 1}, {"from": 1000, "to": 1999, "count": 1}],
        "in_stock": [{"value": True, "count": 2}],
        "attributes": {
            "material": [{"value": "oak", "count": 2}, {"value": "tin", "count": 1}],
            "watts": [{"value": "40", "count": 1}],
        },
    }
    nothing: dict[str, Any] = {"category": [], "brand": [], "price": [], "in_stock": [], "attributes": {}}
    assert (await found(anonymous, q="teapot", facets=True))["facets"] == nothing
    assert (await found(anonymous, q="***", facets=True)) == {
        "items": [], "next_cursor": None, "total": 0, "facets": nothing,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["b", "D", "á", "C"]),
        ("-price", ["C", "á", "D", "b"]),
        ("name", ["á", "b", "C", "D"]),
        ("-created_at", ["D", "C", "b", "á"]),
        ("relevance", ["D", "C", "b", "á"]),
    ],
)
async def test_each_order_and_pages_that_follow_it(
    anonymous: Caller, stocked: Stocked, sort: str, expected: list[str]
) -> None:
    await stocked(
        {"name": "á", "price": 30}, {"name": "b", "price": 10}, {"name": "C", "price": 40}, {"name": "D", "price": 20}
    )
    assert await names(anonymous, sort=sort) == expected
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = await found(anonymous, sort=sort, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [product["name"] for product in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (expected, None)


async def test_a_page_that_redis_began_goes_on_without_it(
    anonymous: Caller, shop: Shop, index: Index, wires: Wires
) -> None:
    for number in range(5):
        await shop.product(f"LAMP-{number}", price=100)
    await index.build()
    expected = await names(anonymous, q="lamp", sort="price")
    for sort in ("price", "relevance", "name"):
        expected = await names(anonymous, q="lamp", sort=sort)
        first = await found(anonymous, q="lamp", sort=sort, limit=2, facets=True)
        wires.redis.cut()
        rest = await found(anonymous, q="lamp", sort=sort, cursor=first["next_cursor"], facets=True)
        assert [product["name"] for product in first["items"] + rest["items"]] == expected
        assert (rest["facets"], rest["total"]) == (first["facets"], 5)
        assert (await anonymous.get("/products/suggest", params={"q": "lam"})).json()["items"]
        await wires.redis.mend()


async def test_a_cursor_is_of_one_search_in_one_order(anonymous: Caller, stocked: Stocked) -> None:
    await stocked({"name": "Oak lamp"}, {"name": "Tin lamp"})
    cursor = (await found(anonymous, q="lamp", limit=1))["next_cursor"]
    others: list[dict[str, Any]] = [{"q": "lamps"}, {"q": "lamp", "sort": "price"}, {"q": "lamp", "in_stock": True}, {}]
    for other in others:
        refused(await anonymous.get("/products", params=other | {"cursor": cursor}), 422, "invalid-cursor")
    assert await names(anonymous, q="Lamp ", cursor=cursor, limit=50) == ["Oak lamp"]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "cheapest"},
        {"sort": ""},
        {"price_min": -1},
        {"price_max": "ten"},
        {"price_min": 2**60},
        {"q": "x" * 201},
        {"q": "x" * 10_000},
        {"attributes": "oak"},
        {"attributes": ":oak"},
        {"attributes": "material:"},
        {"attributes": "material:" + "x" * 200},
        {"attributes": ["a:b"] * 21},
        {"in_stock": "perhaps"},
        {"facets": "many"},
        {"limit": 101},
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(anonymous: Caller, query: dict[str, Any]) -> None:
    refused(await anonymous.get("/products", params=query), 422, "validation-failed")


ODD = [
    "@name:lamp", "lamp|vase", "*", "%%lamp%%", "(lamp", "{lamp}", "~lamp", "-lamp", '"lamp', "'lamp'", "lamp\\",
    "$w0", "[1 2]", "@price:[0 inf]", "=>{$weight:2}", "lamp' | 'vase", ":*", "&!<->", "\x00", "ﷺ" * 200, "a " * 100,
]  # fmt: skip


@pytest.mark.parametrize("typed", ODD)
async def test_query_syntax_is_only_text(anonymous: Caller, stocked: Stocked, typed: str) -> None:
    await stocked({"name": "Lamp"}, {"name": "Vase"})
    assert await names(anonymous, q=typed) in ([], ["Lamp"])
    assert (await anonymous.get("/products/suggest", params={"q": typed})).status_code == 200
    for filter_ in ("brand", "category"):
        assert (await anonymous.get("/products", params={filter_: typed[:100]})).status_code in (200, 422)


@given(typed=st.text(max_size=220), sort=st.sampled_from(["relevance", "price", "name"]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_typed_gets_an_answer_or_a_clear_problem(
    anonymous: Caller, index: Index, typed: str, sort: str
) -> None:
    if await index.redis.get("search:live:v1") is None:
        await index.build()
    for path, query in (
        ("/products", {"q": typed, "sort": sort, "facets": "true"}),
        ("/products/suggest", {"q": typed}),
    ):
        answer = await anonymous.get(path, params=query)
        assert answer.status_code == 200 or len(typed) > 200, answer.text
        if answer.status_code != 200:
            refused(answer, 422, "validation-failed")


async def test_suggestions_begin_as_typed_each_name_once(anonymous: Caller, stocked: Stocked) -> None:
    await stocked(
        {"name": "Desk lamp"}, {"name": "Lampshade"}, {"name": "Lampshade"}, {"name": "Clamp"},
        {"name": "Vase", "brand": "Lamp & Co", "description": "lamp"},
    )  # fmt: skip

    async def suggested(typed: str) -> list[str]:
        answer = await anonymous.get("/products/suggest", params={"q": typed})
        assert answer.status_code == 200, answer.text
        assert all(item["slug"] for item in answer.json()["items"])
        return [item["name"] for item in answer.json()["items"]]

    assert await suggested("lam") == ["Desk lamp", "Lampshade"]
    assert await suggested("L") == ["Desk lamp", "Lampshade"]
    assert await suggested("lam de") == ["Desk lamp"]
    assert await suggested("lámp") == ["Desk lamp", "Lampshade"]
    assert await suggested("shade") == []
    assert await suggested("*") == await suggested("") == []


async def test_ten_suggestions_at_most(anonymous: Caller, stocked: Stocked) -> None:
    await stocked(*({"name": f"Lamp {number}"} for number in range(12)))
    assert len((await anonymous.get("/products/suggest", params={"q": "la"})).json()["items"]) == 10
