"""Redis and Postgres find the same products in the same order with the same counts, and a page of one goes on in the
other. What the index answers is held against the database, which counts and orders all that there is.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.database import Database
from core.redis import connect_redis
from core.settings import Settings
from domain.search import Sort, Wanted
from domain.search_cursor import Mark, decode, encode
from models.base import metadata
from services.search import database as fallback
from services.search.asking import SearchIndex
from services.search.found import Found
from tests.search import Index
from tests.services.search.catalogue import BRANDS, CATEGORIES, MATERIALS, WORDS, stock_shelves

COUNT = 150
ALL = 100

# No typing errors, which the database does not know: too short for one, or of digits.
TYPED = [word for word in WORDS if len(word) < 4] + ["lam", "la", "d", "des", "caf", "cafe"[:3], "180", "ガラス"[:2]]
EXACT = st.lists(st.sampled_from(TYPED), max_size=3).map(" ".join)

wanted = st.builds(
    Wanted,
    text=st.one_of(st.none(), EXACT.map(lambda text: text or None)),
    category=st.sampled_from([None, None, *CATEGORIES, "nowhere"]),
    brand=st.sampled_from([None, None, *(brand for brand in BRANDS if brand), "hestia"]),
    price_min=st.sampled_from([None, None, 0, 100, 2000]),
    price_max=st.sampled_from([None, None, 99, 500, 12_345, 2**53]),
    in_stock=st.sampled_from([None, None, True, False]),
    attributes=st.lists(
        st.one_of(
            st.tuples(st.just("material"), st.sampled_from(MATERIALS)),
            st.sampled_from(
                [("weight", "1"), ("weight", "1.5"), ("weight", "true"), ("a:b", "c"), ("note", "n" * 120)]
            ),
        ),
        max_size=2,
    ).map(tuple),
)
sorts = st.sampled_from(list(Sort))
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Engines:
    def __init__(self, database: Database, index: SearchIndex) -> None:
        self._database = database
        self._index = index

    async def redis(
        self, what: Wanted, sort: Sort, after: Mark | None = None, limit: int = ALL, with_facets: bool = True
    ) -> Found:
        return await self._index.find(what, sort, after, limit, with_facets=with_facets)

    async def postgres(
        self, what: Wanted, sort: Sort, after: Mark | None = None, limit: int = ALL, with_facets: bool = True
    ) -> Found:
        async with self._database.reading() as session:
            return await fallback.find(session, what, sort, after, limit, with_facets=with_facets)


@pytest.fixture(scope="module")
async def engines(connected: Database, settings: Settings) -> AsyncIterator[Engines]:
    """Made once per module: nothing is changed in it. Its module must not ask for `database` or `redis`."""
    redis = connect_redis(settings)
    await redis.flushall()
    async with connected.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(table for table in metadata.tables if table != 'locations')}"))
    await stock_shelves(connected, COUNT, seed=7)
    await Index(connected, redis).build()
    yield Engines(connected, SearchIndex(redis, few=3))  # so that most pages are cut out of a window
    await redis.aclose()


def ids(found: Found) -> list[str]:
    return [orjson.loads(body)["id"] for body in found.bodies]


@given(what=wanted, sort=sorts)
@some
async def test_both_engines_answer_the_same(engines: Engines, what: Wanted, sort: Sort) -> None:
    there, here = await engines.redis(what, sort), await engines.postgres(what, sort)
    assert there == here
    assert len(there.bodies) == min(there.total, ALL)
    assert (await engines.redis(what, sort)) == there, "from the counts that were kept"


@given(what=wanted, sort=sorts, limit=st.integers(1, 40), switches=st.lists(st.booleans(), min_size=1, max_size=5))
@some
async def test_pages_hold_each_product_once_in_order_whichever_engine_turns_them(
    engines: Engines, what: Wanted, sort: Sort, limit: int, switches: list[bool]
) -> None:
    expected: list[str] = []
    after: Mark | None = None
    while True:
        page = await engines.postgres(what, sort, after, ALL, with_facets=False)
        expected += ids(page)
        if (after := page.last) is None:
            break
    seen: list[str] = []
    number = 0
    while True:
        find = engines.redis if switches[number % len(switches)] else engines.postgres
        page = await find(what, sort, after, limit, with_facets=False)
        seen += ids(page)
        assert page.total == len(expected)
        number += 1
        if page.last is None:
            break
        after = decode(encode(page.last, what, sort), what, sort)
    assert seen == expected
    assert number == max(1, -(-len(expected) // limit))


async def test_there_is_something_to_compare(engines: Engines) -> None:
    everything = await engines.redis(Wanted(), Sort.NEWEST)
    assert 100 < everything.total < COUNT
    facets = everything.facets
    assert facets is not None
    counted = dict(facets.category)
    assert counted["home"] >= counted["lighting"] >= counted["desk-lamps"] > 0, "a category counts what is below it"
    assert dict(facets.brand).keys() == {brand for brand in BRANDS if brand}
    assert sum(count for _, _, count in facets.price) == everything.total == sum(count for _, count in facets.in_stock)
    assert {"material", "weight", "a:b", "note"} == facets.attributes.keys()
    assert dict(facets.attributes["note"]).keys() == {"n" * 120}, "what is longer is prose"


@pytest.mark.parametrize("sort", list(Sort))
async def test_a_price_band_of_the_facets_is_a_search_that_finds_as_many(engines: Engines, sort: Sort) -> None:
    facets = (await engines.redis(Wanted(), sort)).facets
    assert facets is not None
    assert len(facets.price) > 3
    for low, high, count in facets.price:
        assert (await engines.redis(Wanted(price_min=low, price_max=high), sort)).total == count
    for name, values in facets.attributes.items():
        for value, count in values:
            assert (await engines.redis(Wanted(attributes=((name, value),)), sort)).total == count, (name, value)


@given(text=st.text(max_size=200), sort=sorts)
@some
async def test_whatever_is_typed_gets_an_answer_from_both(engines: Engines, text: str, sort: Sort) -> None:
    what = replace(Wanted(), text=text)
    if what.is_impossible:
        return
    found = [await find(what, sort) for find in (engines.redis, engines.postgres)]
    assert all(one.total <= COUNT for one in found)
    assert set(ids(found[1])) <= set(ids(found[0])), "what is typed wrong is found by the index alone"


@given(value=st.text(max_size=120))
@some
async def test_whatever_is_filtered_by_gets_the_same_answer_from_both(engines: Engines, value: str) -> None:
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return
    for what in (Wanted(brand=value), Wanted(category=value), Wanted(attributes=(("material", value),))):
        assert await engines.redis(what, Sort.NEWEST) == await engines.postgres(what, Sort.NEWEST)
