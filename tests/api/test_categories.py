"""Categories over HTTP: a tree that anyone reads and staff keep."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import fields_of, keyed, refused
from tests.builders import Shop


async def made(staff: Caller, name: str, parent: str | None = None, **said: Any) -> dict[str, Any]:
    answer = await staff.post("/categories", json={"name": name, "parent": parent} | said)
    assert answer.status_code == 201, answer.text
    category: dict[str, Any] = answer.json()
    return category


@pytest.fixture
async def home(staff: Caller) -> dict[str, Any]:
    """home ─ lamps"""
    category = await made(staff, "Home & Living", slug="home")
    await made(staff, "Lamps", "home")
    return category


async def test_anyone_reads_the_tree_and_each_category_of_it(anonymous: Caller, home: dict[str, Any]) -> None:
    page = (await anonymous.get("/categories")).json()
    assert page["next_cursor"] is None
    root, lamps = page["items"]
    assert root == home == {
        "id": root["id"], "slug": "home", "name": "Home & Living", "parent": None, "path": ["home"], "depth": 1,
        "position": 0, "version": 1,
    }  # fmt: skip
    assert (lamps["parent"], lamps["path"], lamps["depth"]) == ("home", ["home", "lamps"], 2)
    for name in (lamps["id"], lamps["id"].upper(), "lamps"):
        answer = await anonymous.get(f"/categories/{name}")
        assert (answer.json(), answer.headers["ETag"]) == (lamps, '"1"')
    refused(await anonymous.get("/categories/nowhere"), 404, "not-found")


async def test_the_tree_comes_in_pages_in_its_order(staff: Caller, anonymous: Caller, home: dict[str, Any]) -> None:
    await made(staff, "Garden", position=1)
    seen, cursor = [], None
    while True:
        page = (await anonymous.get("/categories", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [category["slug"] for category in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["home", "lamps", "garden"]
    refused(await anonymous.get("/categories", params={"cursor": "bm93aGVyZQ"}), 422, "invalid-cursor")
    refused(await anonymous.get("/categories", params={"limit": 0}), 422, "validation-failed")


@pytest.mark.usefixtures("home")
async def test_a_category_shows_the_products_of_those_below_it_and_its_new_name_at_once(
    staff: Caller, anonymous: Caller, shop: Shop
) -> None:
    [[lamps_id]] = await shop.rows("SELECT id FROM categories WHERE slug = 'lamps'")
    await shop.product("LAMP", category_id=lamps_id)
    await shop.product("SHOVEL")
    for slug in ("home", "lamps"):
        [product] = (await anonymous.get("/products", params={"category": slug})).json()["items"]
        assert product["category"] == {"slug": "lamps", "name": "Lamps"}
    renamed = await staff.patch("/categories/lamps", json={"name": "Lights"}, headers={"If-Match": '"1"'})
    assert (renamed.json()["slug"], renamed.headers["ETag"]) == ("lamps", '"2"')
    shown = (await anonymous.get(f"/products/{product['id']}")).json()
    assert shown["category"] == {"slug": "lamps", "name": "Lights"}


async def test_a_key_makes_one_category(staff: Caller) -> None:
    headers = keyed()
    answers = [await staff.post("/categories", json={"name": "Home"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].headers["Location"] == f"/api/v1/categories/{answers[0].json()['id']}"


@pytest.mark.usefixtures("home")
async def test_what_the_tree_cannot_hold_is_refused(staff: Caller, shop: Shop) -> None:
    [[lamps_id]] = await shop.rows("SELECT id FROM categories WHERE slug = 'lamps'")
    await shop.product("LAMP", category_id=lamps_id)
    before = (await staff.get("/categories")).json()
    for parent in ("home", "lamps"):
        refused(await staff.patch("/categories/home", json={"parent": parent}), 422, "category-cycle")
    refused(await staff.patch("/categories/home", json={"parent": "nowhere"}), 422, "category-unknown")
    refused(await staff.post("/categories", json={"name": "X", "parent": "nowhere"}), 422, "category-unknown")
    refused(await staff.post("/categories", json={"name": "X", "slug": "home"}), 409, "slug-taken")
    refused(await staff.patch("/categories/home", json={"name": "X"}, headers={"If-Match": '"9"'}), 412, "stale")
    assert refused(await staff.delete("/categories/home"), 409, "in-use")["by"] == "categories"
    assert refused(await staff.delete("/categories/lamps"), 409, "in-use")["by"] == "products"
    assert (await staff.get("/categories")).json() == before


async def test_a_tree_has_six_levels(staff: Caller) -> None:
    parent = None
    for level in range(1, 7):
        parent = (await made(staff, f"Level {level}", parent))["slug"]
    problem = refused(
        await staff.post("/categories", json={"name": "Seven", "parent": parent}), 422, "category-too-deep"
    )
    assert problem["deepest"] == 6


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": ""}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": "x" * 121}, "body.name"),
        ({"name": "a\0"}, "body"),
        ({"slug": "No Slug"}, "body.slug"),
        ({"position": -1}, "body.position"),
        ({"position": 2**40}, "body.position"),
        ({"id": "7"}, "body.id"),
        ({"version": 7}, "body.version"),
        ({"parent_id": None}, "body.parent_id"),
    ],
)
async def test_a_category_that_breaks_a_rule_is_refused_where_it_does(
    staff: Caller, home: dict[str, Any], said: dict[str, Any], field: str
) -> None:
    for answer in (
        await staff.post("/categories", json={"name": "Garden"} | said),
        await staff.patch("/categories/home", json=said),
    ):
        assert field in fields_of(refused(answer, 422, "validation-failed"))
    assert (await staff.get("/categories/home")).json() == home


@pytest.mark.usefixtures("home")
async def test_an_empty_category_is_deleted(staff: Caller, shop: Shop) -> None:
    for slug in ("lamps", "home"):
        assert (await staff.delete(f"/categories/{slug}")).status_code == 204
        refused(await staff.delete(f"/categories/{slug}"), 404, "not-found")
    actions = [row[0] for row in await shop.rows("SELECT action FROM audit_entries ORDER BY id")]
    assert actions == ["category.create", "category.create", "category.delete", "category.delete"]


async def test_a_key_whose_category_is_gone_makes_no_other(staff: Caller) -> None:
    headers = keyed()
    assert (await staff.post("/categories", json={"name": "Home"}, headers=headers)).status_code == 201
    assert (await staff.delete("/categories/home")).status_code == 204
    refused(await staff.post("/categories", json={"name": "Home"}, headers=headers), 404, "not-found")
    assert (await staff.get("/categories")).json()["items"] == []
