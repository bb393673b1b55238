"""Changing and deleting products: merge semantics, versions, slugs that stay valid, what orders refer to."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from domain.errors import CategoryUnknown, Fact, InUse, NotFound, SlugTaken, Stale, TooManyAttributes
from services.catalogue import changing, reading
from services.catalogue.drafts import ProductChange
from tests.builders import Shop
from tests.queries import counted_queries
from tests.services.catalogue.conftest import NOBODY, Desk


async def remove(desk: Desk, id_or_slug: object, expected: int | None = None) -> None:
    async with desk.database.transaction() as session:
        await changing.remove(session, str(id_or_slug), NOBODY, expected=expected)


async def test_what_is_said_replaces_what_is_null_clears_and_the_rest_stays(desk: Desk) -> None:
    await desk.category("Home")
    product_id = await desk.create(
        name="Lamp", description="Bright.", brand="Hestia", category="home",
        attributes={"watts": 4, "colour": "red"}, images=["https://images.example/a.jpg"],
    )  # fmt: skip
    before = await desk.shown(product_id)
    await desk.change(product_id, name="Torch", attributes={"colour": None, "dimmable": True})
    after = await desk.shown(product_id)
    said = {"name": "Torch", "attributes": {"watts": 4, "dimmable": True}, "version": 2}
    assert after == before | said
    nothing: dict[str, Any] = dict.fromkeys(("description", "brand", "category", "attributes", "images"))
    await desk.change(product_id, **nothing)
    cleared: dict[str, Any] = {
        "description": "",
        "brand": None,
        "category": None,
        "attributes": {},
        "images": [],
        "version": 3,
    }
    assert await desk.shown(product_id) == after | cleared


@pytest.mark.parametrize("said", [{}, {"name": "Lamp"}, {"attributes": {"none": None}}, {"slug": "lamp"}])
async def test_a_change_to_what_is_so_already_is_none(desk: Desk, said: dict[str, Any]) -> None:
    product_id = await desk.create()
    before = await desk.everything()
    await desk.change(product_id, **said)
    assert await desk.everything() == before


async def test_true_is_not_one(desk: Desk) -> None:
    product_id = await desk.create(attributes={"lit": 1})
    await desk.change(product_id, attributes={"lit": True})
    assert (await desk.shown(product_id))["attributes"] == {"lit": True}


async def test_each_change_is_published_and_audited(desk: Desk) -> None:
    product_id = await desk.create()
    await desk.told_search()
    await desk.change(product_id, brand="Hestia", status="archived")
    assert await desk.told_search() == [product_id]
    assert await desk.audited() == ["product.create", "product.change"]


async def test_of_two_changes_to_one_version_one_is_made(desk: Desk) -> None:
    product_id = await desk.create()
    changes = (desk.change(product_id, expected=1, brand=f"Brand {n}") for n in range(6))
    found = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Stale"] * 5 + ["UUID"]
    assert (await desk.shown(product_id))["version"] == 2


async def test_changes_at_once_of_different_things_lose_nothing(desk: Desk) -> None:
    product_id = await desk.create()
    await asyncio.gather(*(desk.change(product_id, attributes={f"a{n}": n}) for n in range(8)))
    shown = await desk.shown(product_id)
    assert (shown["attributes"], shown["version"]) == ({f"a{n}": n for n in range(8)}, 9)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"category": "nowhere"}, CategoryUnknown),
        ({"slug": "torch"}, SlugTaken),
        ({"slug": "import"}, SlugTaken),
        ({"attributes": {f"b{n}": n for n in range(20)}}, TooManyAttributes),
        ({"attributes": {f"a{n}": "x" * 500 for n in range(40)}}, TooManyAttributes),
    ],
    ids=lambda case: str(case)[:30],
)
async def test_a_change_that_is_refused_changes_nothing(desk: Desk, said: dict[str, Any], refusal: type[Fact]) -> None:
    product_id = await desk.create(attributes={f"a{n}": n for n in range(40)})
    await desk.create("TORCH", name="Torch")
    before = await desk.everything()
    with pytest.raises(refusal):
        await desk.change(product_id, brand="Hestia", **said)
    assert await desk.everything() == before


async def test_a_new_name_leaves_the_slug_and_an_old_slug_leads_on(desk: Desk) -> None:
    product_id = await desk.create(name="Lamp")
    await desk.change("lamp", name="Torch")
    assert (await desk.shown(product_id))["slug"] == "lamp"
    await desk.change("lamp", slug="torch")
    await desk.change("torch", slug="light")
    for slug in ("lamp", "torch", "light"):
        shown = await desk.shown(slug)
        assert (shown["id"], shown["slug"]) == (str(product_id), "light")
    async with desk.database.reading() as session:
        with counted_queries(desk.database) as asked:
            await reading.product(session, "lamp")
    assert len(asked) == 1
    await desk.change("lamp", brand="Hestia")
    assert (await desk.shown(product_id))["brand"] == "Hestia"


async def test_no_other_product_takes_a_former_slug_and_its_own_may_have_it_back(desk: Desk) -> None:
    product_id = await desk.create(name="Lamp")
    await desk.change(product_id, slug="torch")
    other = await desk.create("OTHER", name="Lamp")
    assert (await desk.shown(other))["slug"] == "lamp-2"
    with pytest.raises(SlugTaken):
        await desk.create("THIRD", slug="lamp")
    with pytest.raises(SlugTaken):
        await desk.change(other, slug="lamp")
    await desk.change(product_id, slug="lamp")
    assert (await desk.shown("torch"))["slug"] == "lamp"


async def test_a_change_that_waited_for_a_new_slug_is_made(desk: Desk) -> None:
    await desk.create()
    async with desk.database.transaction() as session:
        await changing.change(session, "lamp", ProductChange(slug="torch"), NOBODY)
        waiting = asyncio.create_task(desk.change("lamp", brand="Hestia"))
        while not await desk.shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
    await waiting
    assert (await desk.shown("torch"))["brand"] == "Hestia"


async def test_who_leaves_a_slug_while_others_want_it_keeps_it(desk: Desk) -> None:
    """Each round one product leaves the slug, one wants to take it, and two are made with its name."""
    for n in range(6):
        leaving = await desk.create(f"LEAVES-{n}", slug=f"lamp-x{n}")
        other = await desk.create(f"WANTS-{n}", slug=f"other-x{n}")
        found = await asyncio.gather(
            desk.change(leaving, slug=f"left-x{n}"),
            desk.change(other, slug=f"lamp-x{n}"),
            desk.create(f"GIVEN-{n}", slug=f"lamp-x{n}"),
            desk.create(f"MADE-{n}", name=f"Lamp X{n}"),
            return_exceptions=True,
        )
        assert [type(one).__name__ for one in found] in (
            ["UUID", "SlugTaken", "SlugTaken", "UUID"],
            ["UUID", "SlugTaken", "SlugTaken", "SlugTaken"],  # its name's slug was left this very moment
        )
        assert (await desk.shown(f"lamp-x{n}"))["id"] == str(leaving)
    twice = "SELECT slug FROM products INTERSECT SELECT slug FROM former_slugs"
    assert await desk.shop.rows(twice) == []


async def test_a_product_is_gone_with_all_that_was_of_it(desk: Desk, shop: Shop) -> None:
    kept = await desk.create("KEPT", name="Kept")
    product_id = await desk.create("LAMP", "LAMP-L", slug="lamp")
    await desk.change(product_id, slug="torch")
    await desk.told_search()
    with pytest.raises(Stale):
        await remove(desk, product_id, expected=1)
    await remove(desk, "lamp", expected=2)
    for gone in (product_id, "lamp", "torch"):
        with pytest.raises(NotFound):
            await desk.shown(gone)
    assert await desk.told_search() == [product_id]
    left = await desk.everything()
    assert [len(left[table]) for table in ("products", "variants", "product_bodies", "stock")] == [1, 1, 1, 1]
    assert left["former_slugs"] == []
    assert (await desk.shown(kept))["id"] == str(kept)
    assert (await desk.audited())[-1] == "product.delete"
    await desk.create("LAMP", slug="lamp")
    await shop.require_invariants()


async def test_what_orders_refer_to_stays(desk: Desk, shop: Shop) -> None:
    ordered, asked_for = await shop.product("ORDERED"), await shop.product("ASKED-FOR")
    await shop.cancelled({"ORDERED": 1})
    await shop.request({"ASKED-FOR": 1})
    for product_id in (ordered, asked_for):
        before = await desk.everything()
        with pytest.raises(InUse, match="Archive the product"):
            await remove(desk, product_id)
        assert await desk.everything() == before
        await desk.change(product_id, status="archived")
    await shop.require_invariants()


async def test_an_order_that_is_placed_while_its_product_is_deleted_finds_it_or_keeps_it(
    desk: Desk, shop: Shop
) -> None:
    for n in range(4):
        product_id = await shop.product(f"LAMP-{n}")
        placed, removed = await asyncio.gather(
            shop.placed({f"LAMP-{n}": 1}), remove(desk, product_id), return_exceptions=True
        )
        there = await shop.rows("SELECT 1 FROM products WHERE id = :id", id=product_id)
        assert bool(there) is isinstance(removed, InUse)
        assert isinstance(placed, Exception) is not bool(there)


async def test_a_product_is_locked_before_its_skus_as_an_order_does(desk: Desk, shop: Shop) -> None:
    """An order's line refers to both. Locked the other way round, the two would wait for each other."""
    product_id = await shop.product("LAMP")
    async with shop.database.transaction() as session:
        await session.execute(text("SELECT FROM products FOR KEY SHARE"))
        waiting = asyncio.create_task(remove(desk, product_id))
        while not await shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
        await session.execute(text("SELECT FROM variants FOR KEY SHARE NOWAIT"))
    await waiting
    assert await shop.rows("SELECT FROM products") == []


@pytest.mark.parametrize(
    "name", ["no-such-lamp", "0198c5a4-7c1e-7000-8000-000000000001", "", "a" * 200, "'; DROP TABLE products; --"]
)
async def test_what_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    await desk.create()
    with pytest.raises(NotFound):
        await desk.change(name, brand="Hestia")
    with pytest.raises(NotFound):
        await remove(desk, name)
