"""The tree of categories: no circle, no seventh level, nothing deleted that is used, and search told of every move."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.errors import CategoryCycle, CategoryTooDeep, CategoryUnknown, Fact, InUse, NotFound, SlugTaken, Stale
from services.catalogue import categories, tree
from services.catalogue.drafts import CategoryChange, CategoryDraft
from tests.queries import counted_queries
from tests.services.catalogue.conftest import NOBODY, Desk


async def create(desk: Desk, **said: Any) -> UUID:
    async with desk.database.transaction() as session:
        return await categories.create(session, CategoryDraft.model_validate(said), NOBODY)


async def change(desk: Desk, named: str, expected: int | None = None, **said: Any) -> None:
    async with desk.database.transaction() as session:
        await categories.change(session, named, CategoryChange.model_validate(said), NOBODY, expected=expected)


async def remove(desk: Desk, slug: str, expected: int | None = None) -> None:
    async with desk.database.transaction() as session:
        await categories.remove(session, slug, NOBODY, expected=expected)


async def paths(desk: Desk) -> list[str]:
    async with desk.database.reading() as session:
        there = await tree.read(session)
    return ["/".join(category.slug for category in node.path) for node in there.nodes.values()]


@pytest.fixture
async def home(desk: Desk) -> None:
    """home ─ lamps ─ desk-lamps, and garden"""
    for name, parent in (("Home", None), ("Lamps", "home"), ("Desk Lamps", "lamps"), ("Garden", None)):
        await desk.category(name, parent)


@pytest.mark.usefixtures("home")
async def test_the_tree_is_read_in_one_query_a_parent_before_its_children(desk: Desk) -> None:
    await create(desk, name="Chairs", parent="home", position=1)
    await create(desk, name="Beds", parent="home", position=1)
    async with desk.database.reading() as session:
        with counted_queries(desk.database) as asked:
            await tree.read(session)
    assert len(asked) == 1
    assert await paths(desk) == [
        "garden", "home", "home/lamps", "home/lamps/desk-lamps", "home/beds", "home/chairs",
    ]  # fmt: skip


async def test_categories_of_one_name_get_slugs_of_their_own_even_at_once(desk: Desk) -> None:
    await asyncio.gather(*(create(desk, name="Lamps & Light") for _ in range(5)))
    assert sorted(await paths(desk)) == ["lamps-light", *(f"lamps-light-{n}" for n in range(2, 6))]


@pytest.mark.usefixtures("home")
async def test_what_breaks_a_rule_of_the_tree_is_refused_and_nothing_is_written(desk: Desk) -> None:
    for depth in range(4, 7):
        await create(desk, name=f"Level {depth}", parent="desk-lamps" if depth == 4 else f"level-{depth - 1}")
    before = await desk.everything()
    refused: list[tuple[type[Fact], str, dict[str, Any]]] = [
        (CategoryCycle, "home", {"parent": "home"}),
        (CategoryCycle, "home", {"parent": "lamps"}),
        (CategoryCycle, "home", {"parent": "level-6"}),
        (CategoryTooDeep, "home", {"parent": "garden"}),
        (CategoryTooDeep, "garden", {"parent": "level-6"}),
        (CategoryUnknown, "home", {"parent": "nowhere"}),
        (SlugTaken, "home", {"slug": "garden"}),
        (NotFound, "nowhere", {"name": "Somewhere"}),
    ]
    for refusal, slug, said in refused:
        with pytest.raises(refusal):
            await change(desk, slug, **said)
    for refusal, draft in (
        (CategoryTooDeep, {"name": "Level 7", "parent": "level-6"}),
        (CategoryUnknown, {"name": "Lost", "parent": "nowhere"}),
        (SlugTaken, {"name": "Home", "slug": "home"}),
    ):
        with pytest.raises(refusal):
            await create(desk, **draft)
    assert await desk.everything() == before


async def test_two_moves_at_once_make_no_circle(desk: Desk) -> None:
    for _ in range(5):
        await asyncio.gather(*(desk.category(name) for name in ("One", "Two")))
        both = await asyncio.gather(
            change(desk, "one", parent="two"), change(desk, "two", parent="one"), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in both) == ["CategoryCycle", "NoneType"]
        leaf, root = ("one", "two") if both[0] is None else ("two", "one")
        await remove(desk, leaf)
        await remove(desk, root)


@pytest.mark.usefixtures("home")
async def test_a_new_name_is_shown_by_products_at_once_and_search_is_told(desk: Desk) -> None:
    lamp = await desk.create("LAMP", category="lamps")
    await desk.create("SHOVEL", category="garden")
    await desk.told_search()
    await change(desk, "lamps", name="Lights")
    shown = await desk.shown(lamp)
    assert (shown["category"], shown["version"]) == ({"slug": "lamps", "name": "Lights"}, 1)
    assert await desk.told_search() == [lamp]


@pytest.mark.usefixtures("home")
async def test_a_move_and_a_new_slug_tell_search_of_all_that_is_below(desk: Desk) -> None:
    below = {await desk.create(f"IN-{slug}", category=slug) for slug in ("home", "lamps", "desk-lamps")}
    await desk.create("SHOVEL", category="garden")
    await desk.told_search()
    await change(desk, "home", parent="garden")
    assert set(await desk.told_search()) == below
    await change(desk, "home", slug="house")
    assert set(await desk.told_search()) == below
    await change(desk, "house", position=3)
    assert await desk.told_search() == []
    assert "garden/house/lamps/desk-lamps" in await paths(desk)
    await change(desk, "house", parent=None)
    assert "house/lamps/desk-lamps" in await paths(desk)


@pytest.mark.usefixtures("home")
async def test_a_change_to_what_is_so_already_is_none(desk: Desk) -> None:
    before = await desk.everything()
    await change(desk, "lamps", name="Lamps", parent="home", slug="lamps", position=0)
    await change(desk, "lamps")
    assert await desk.everything() == before


@pytest.mark.usefixtures("home")
async def test_of_two_changes_to_one_version_one_is_made(desk: Desk) -> None:
    changes = (change(desk, "home", 1, name=f"Home {n}") for n in range(4))
    found = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["NoneType", "Stale", "Stale", "Stale"]
    with pytest.raises(Stale):
        await remove(desk, "garden", expected=2)


@pytest.mark.usefixtures("home")
async def test_a_category_is_deleted_once_nothing_is_in_it(desk: Desk) -> None:
    product_id = await desk.create(category="desk-lamps", status="draft")
    for slug, by in (("home", "categories"), ("desk-lamps", "products")):
        with pytest.raises(InUse) as refused:
            await remove(desk, slug)
        assert refused.value.facts == {"by": by}
    await desk.change(product_id, category=None)
    for slug in ("desk-lamps", "lamps", "home", "garden"):
        await remove(desk, slug)
    assert await paths(desk) == []


async def test_a_product_that_is_put_into_a_category_which_is_being_deleted_is_refused(desk: Desk) -> None:
    await desk.category("Home")
    await desk.create()
    async with desk.database.transaction() as session:
        await categories.remove(session, "home", NOBODY)
        waiting = asyncio.create_task(desk.change("lamp", category="home"))
        while not await desk.shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
    with pytest.raises(CategoryUnknown):
        await waiting


async def test_a_product_that_comes_while_its_category_goes_keeps_it_or_is_refused(desk: Desk) -> None:
    for n in range(5):
        await desk.category(f"Home {n}")
        made, removed = await asyncio.gather(
            desk.create(f"LAMP-{n}", category=f"home-{n}"), remove(desk, f"home-{n}"), return_exceptions=True
        )
        assert (type(made).__name__, type(removed).__name__) in {
            ("UUID", "InUse"), ("CategoryUnknown", "NoneType"),
        }  # fmt: skip
