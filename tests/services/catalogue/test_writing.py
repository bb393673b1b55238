"""Products from drafts: one that must be new, and batches that bring the catalogue to what they say."""

import asyncio
from typing import Any

import pytest

from domain.errors import CategoryUnknown, Fact, SkuTaken, SlugTaken
from services.catalogue import variants
from services.catalogue.drafts import ProductDraft, VariantDraft
from services.catalogue.writing import Written
from tests.builders import Shop
from tests.queries import counted_queries
from tests.services.catalogue.conftest import NOBODY, Desk, draft, variant


def outcome(found: list[Written | Fact]) -> list[str]:
    """In a word each."""
    return [
        found.code if isinstance(found, Fact) else "new" if found.is_new else "changed" if found.is_changed else "same"
        for found in found
    ]


async def test_a_new_product_is_there_whole_with_its_stock(desk: Desk, shop: Shop) -> None:
    await desk.category("Home")
    variants = [
        variant("LAMP-S", options={"size": "S"}, initial_stock=7),
        variant("LAMP-L", 2999, options={"size": "L"}),
    ]
    attributes = {"watts": 4.5, "dimmable": True, "rooms": ["Study", "Hall"], "sizes": [1, 2.5], "care": "wipe"}
    images = ["https://images.example/lamp.jpg"]
    product_id = await desk.create(
        name="  Reading Lamp ", description="Line one.\nLine two.", brand="Hestia", category="home",
        attributes=attributes, images=images, variants=variants,
    )  # fmt: skip
    assert await desk.shown("reading-lamp") == {
        "id": str(product_id), "slug": "reading-lamp", "name": "Reading Lamp", "description": "Line one.\nLine two.",
        "brand": "Hestia", "category": {"slug": "home", "name": "Home"}, "in_stock": True, "status": "active",
        "attributes": attributes, "images": images, "version": 1,
        "variants": [
            {"sku": "LAMP-S", "price": {"amount": 1999, "currency": "USD"}, "options": {"size": "S"}},
            {"sku": "LAMP-L", "price": {"amount": 2999, "currency": "USD"}, "options": {"size": "L"}},
        ],
    }  # fmt: skip
    assert await shop.stock("LAMP-S") == (7, 0)
    assert await shop.stock("LAMP-L") == (0, 0)
    assert await desk.told_search() == [product_id]
    assert await desk.audited() == ["category.create", "product.create"]
    await shop.require_invariants()


async def test_products_of_one_name_get_slugs_of_their_own(desk: Desk) -> None:
    ids = [await desk.create(f"LAMP-{n}") for n in range(20)]
    slugs = [(await desk.shown(product_id))["slug"] for product_id in ids]
    assert slugs == ["lamp", *(f"lamp-{n}" for n in range(2, 21))]


async def test_products_of_one_name_made_at_once_get_slugs_of_their_own(desk: Desk) -> None:
    ids = await asyncio.gather(*(desk.create(f"LAMP-{n}") for n in range(12)))
    slugs = {(await desk.shown(product_id))["slug"] for product_id in ids}
    assert slugs == {"lamp", *(f"lamp-{n}" for n in range(2, 13))}


async def test_a_product_named_like_a_path_does_not_take_it(desk: Desk) -> None:
    assert (await desk.shown(await desk.create(name="Suggest")))["slug"] == "suggest-2"
    with pytest.raises(SlugTaken):
        await desk.create("OTHER", slug="export")


async def test_what_is_taken_is_refused_and_nothing_is_written(desk: Desk) -> None:
    await desk.create("LAMP", "TORCH")
    before = await desk.everything()
    for more, refusal in (
        ({"slug": "lamp"}, SlugTaken),
        ({"variants": [variant("NEW"), variant("TORCH"), variant("LAMP")]}, SkuTaken),
        ({"category": "nowhere"}, CategoryUnknown),
    ):
        with pytest.raises(refusal) as refused:
            await desk.create("NEW", **more)
        if refusal is SkuTaken:
            assert refused.value.facts == {"skus": ["TORCH", "LAMP"]}
    assert await desk.everything() == before


async def test_of_two_products_with_one_sku_made_at_once_there_is_one(desk: Desk) -> None:
    made = await asyncio.gather(*(desk.create("LAMP", slug=f"lamp-{n}x") for n in range(6)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["SkuTaken"] * 5 + ["UUID"]
    assert [len((await desk.everything())[table]) for table in ("products", "variants", "stock")] == [1, 1, 1]


async def test_skus_are_written_in_their_order_so_that_no_two_wait_for_each_other(desk: Desk) -> None:
    """Who waits for the first SKU of another's has not written the second, which that one writes next."""
    await desk.create("OTHER", slug="other")
    async with desk.database.transaction() as session:
        await variants.add(session, "other", VariantDraft.model_validate(variant("A")), NOBODY, threshold=5)
        waiting = asyncio.create_task(desk.create("B", "A", slug="one"))
        while not await desk.shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not waiting.done()
        await variants.add(session, "other", VariantDraft.model_validate(variant("B")), NOBODY, threshold=5)
    with pytest.raises(SkuTaken):
        await waiting


async def test_a_batch_makes_changes_and_leaves_alone_what_it_says(desk: Desk, shop: Shop) -> None:
    first = [draft(f"LAMP-{n}", slug=f"lamp-{n}") for n in range(4)]
    assert outcome(await desk.upsert(*first)) == ["new"] * 4
    await desk.told_search()
    second = [
        draft("LAMP-0", slug="lamp-0", brand="Hestia"),
        draft("LAMP-1", slug="lamp-1"),
        draft(slug="lamp-2", variants=[variant("LAMP-2", 5)]),
        draft("LAMP-3", "LAMP-3B", slug="lamp-3"),
        draft("LAMP-4", slug="lamp-4"),
    ]
    assert outcome(await desk.upsert(*second)) == ["changed", "same", "changed", "changed", "new"]
    versions = [(await desk.shown(f"lamp-{n}"))["version"] for n in range(5)]
    assert versions == [2, 1, 2, 2, 1]
    assert len(await desk.told_search()) == 4
    assert (await desk.shown("lamp-2"))["variants"][0]["price"]["amount"] == 5
    before = await desk.everything()
    assert outcome(await desk.upsert(*second)) == ["same"] * 5
    assert await desk.everything() == before
    await shop.require_invariants()


async def test_what_a_batch_refuses_leaves_the_others_good(desk: Desk) -> None:
    await desk.create("TAKEN")
    red = {"colour": "red"}
    await desk.create(slug="red-lamp", variants=[variant("RED", options=red)])
    found = await desk.upsert(
        draft("A", slug="a"),
        draft("B", "TAKEN", slug="b"),
        draft("C", slug="c", category="nowhere"),
        draft("D", slug="a"),
        draft("E", "A", slug="e"),
        draft(slug="red-lamp", variants=[variant("RED-2", options=red)]),
        draft(slug="red-lamp", variants=[variant("RED-3", currency="EUR", options={"colour": "blue"})]),
        draft("F", slug="suggest"),
        draft("G", slug="g"),
    )
    assert outcome(found) == [
        "new", "sku-taken", "category-unknown", "slug-taken", "sku-taken", "variants-disagree", "variants-disagree",
        "slug-taken", "new",
    ]  # fmt: skip
    taken = found[1]
    assert isinstance(taken, SkuTaken)
    assert taken.detail == "Other products have these SKUs already: TAKEN (lamp)."
    assert len((await desk.everything())["products"]) == 4


async def test_a_draft_without_a_slug_leads_to_the_product_of_its_skus(desk: Desk) -> None:
    product_id = await desk.create("LAMP", slug="brass-lamp")
    [found] = await desk.upsert(draft("NEW", "LAMP", brand="Hestia"))
    assert isinstance(found, Written)
    assert (found.id, found.slug, found.new_skus) == (product_id, "brass-lamp", frozenset({"NEW"}))
    [made] = await desk.upsert(draft("OTHER"))
    assert isinstance(made, Written)
    assert (made.is_new, made.slug) == (True, "lamp")


async def test_a_draft_with_a_former_slug_changes_the_product_and_leaves_its_slug(desk: Desk) -> None:
    product_id = await desk.create("LAMP", slug="old")
    await desk.change(product_id, slug="new")
    [found] = await desk.upsert(draft("LAMP", slug="old", brand="Hestia"))
    assert isinstance(found, Written)
    assert (found.id, found.slug, found.is_changed) == (product_id, "new", True)


async def test_stock_is_opened_once(desk: Desk, shop: Shop) -> None:
    await desk.upsert(draft(slug="lamp", variants=[variant("LAMP", initial_stock=3)]))
    await desk.upsert(draft(slug="lamp", variants=[variant("LAMP", initial_stock=900)]))
    assert await shop.stock("LAMP") == (3, 0)


async def test_variants_that_a_draft_does_not_have_stay(desk: Desk) -> None:
    await desk.upsert(draft("A", "B", slug="lamp"))
    await desk.upsert(draft("B", slug="lamp"))
    assert [one["sku"] for one in (await desk.shown("lamp"))["variants"]] == ["A", "B"]


async def test_a_batch_asks_the_same_whatever_its_length(desk: Desk) -> None:
    asked = {}
    for number in (2, 60):
        batch = [draft(f"S{number}-{n}", slug=f"s{number}-{n}") for n in range(number)]
        with counted_queries(desk.database) as made:
            await desk.upsert(*batch)
        changed = [one.model_copy(update={"brand": "Hestia"}) for one in batch]
        with counted_queries(desk.database) as again:
            await desk.upsert(*changed)
        asked[number] = (len(made), len(again))
    assert asked[2] == asked[60]


async def test_batches_of_the_same_products_at_once_change_each_once(desk: Desk, shop: Shop) -> None:
    """In opposite orders, which would make them wait for each other if the order were theirs to choose."""
    batch = [draft(f"S-{n:02}", slug=f"s-{n:02}") for n in range(20)]
    await asyncio.gather(desk.upsert(*batch[:10]), desk.upsert(*batch[10:]))
    changed = [one.model_copy(update={"brand": "Hestia"}) for one in batch]
    found = await asyncio.gather(*(desk.upsert(*order) for order in (changed, changed[::-1]) * 3))
    assert sorted(word for one in found for word in outcome(one)) == ["changed"] * 20 + ["same"] * 100
    assert {row[0] for row in await shop.rows("SELECT version FROM products")} == {2}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "  "}, "at least 1 character"),
        ({"name": "a\nb"}, "match pattern"),
        ({"variants": []}, "at least 1 item"),
        ({"variants": [variant(f"S{n}") for n in range(101)]}, "at most 100 items"),
        ({"variants": [variant("A"), variant("A")]}, "a SKU stands there twice: A"),
        ({"variants": [variant("A"), variant("B", currency="EUR")]}, "one currency"),
        ({"variants": [variant("A", options={"size": "S"}), variant("B")]}, "the same options, by name"),
        ({"variants": [variant(sku, options={"size": "S"}) for sku in "AB"]}, "two variants have the same options"),
        ({"variants": [variant("A", -1)]}, "greater than or equal to 0"),
        ({"variants": [variant("A", currency="QQQ")]}, "not a currency that the shop knows"),
        ({"variants": [variant("a/b")]}, "match pattern"),
        ({"variants": [variant("A", initial_stock=-1)]}, "greater than or equal to 0"),
        ({"variants": [variant("A", initial_stock="7")]}, "valid integer"),
        ({"attributes": {"a": None}}, "an attribute is a text"),
        ({"attributes": {"a": {"b": 1}}}, "an attribute is a text"),
        ({"attributes": {"a": [["b"]]}}, "an attribute is a text"),
        ({"attributes": {"a": float("nan")}}, "an attribute is a text"),
        ({"attributes": {"a": 10**30}}, "an attribute is a text"),
        ({"attributes": {"a": 1e300}}, "an attribute is a text"),
        ({"attributes": {"a\0": 1}}, "control characters"),
        ({"attributes": {str(n): "x" * 500 for n in range(50)}}, "larger than 16384 bytes"),
        ({"attributes": {str(n): n for n in range(51)}}, "at most 50 items"),
        ({"images": ["ftp://images.example/a.jpg"]}, "not an http or https address"),
        ({"images": ["javascript:alert(1)"]}, "not an http or https address"),
        ({"images": ["https://"]}, "not an http or https address"),
        ({"images": ["https://a b.example/"]}, "not an http or https address"),
        ({"images": ["https://me:secret@images.example/a.jpg"]}, "no user"),
        ({"images": ["https://images.example/a.jpg"] * 2}, "stands there twice"),
        ({"images": [f"https://images.example/{n}.jpg" for n in range(21)]}, "at most 20 items"),
        ({"status": "gone"}, "'draft', 'active' or 'archived'"),
        ({"slug": "Not A Slug"}, "a slug is lower-case"),
        ({"slug": "01a20f58-2e4b-741f-8e7d-678eece5d042"}, "no id"),
        ({"description": "a\0"}, "NUL"),
        ({"version": 7}, "Extra inputs"),
    ],
)
def test_a_draft_that_breaks_a_rule_is_none(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        draft(**change)


def test_variants_without_options_are_told_apart_by_their_skus() -> None:
    assert isinstance(draft("A", "B"), ProductDraft)
