"""Variants of a product that is there: each is a change of the product, and they go on belonging together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.errors import Fact, InUse, LastVariant, NotFound, SkuTaken, Stale, VariantsDisagree
from services.catalogue import variants
from services.catalogue.drafts import VariantChange, VariantDraft
from tests.builders import Shop
from tests.services.catalogue.conftest import NOBODY, Desk, variant


async def add(desk: Desk, sku: str, expected: int | None = None, **more: Any) -> None:
    draft = VariantDraft.model_validate(variant(sku, **more))
    async with desk.database.transaction() as session:
        await variants.add(session, "lamp", draft, NOBODY, threshold=5, expected=expected)


async def change(desk: Desk, sku: str, expected: int | None = None, **said: Any) -> None:
    async with desk.database.transaction() as session:
        wanted = VariantChange.model_validate(said)
        await variants.change(session, "lamp", sku, wanted, NOBODY, expected=expected)


async def remove(desk: Desk, sku: str, expected: int | None = None) -> None:
    async with desk.database.transaction() as session:
        await variants.remove(session, "lamp", sku, NOBODY, expected=expected)


@pytest.fixture
async def lamp(desk: Desk) -> None:
    sizes = [variant(f"LAMP-{size}", options={"size": size}, initial_stock=3) for size in "SL"]
    await desk.create(slug="lamp", variants=sizes)
    await desk.told_search()


async def skus(desk: Desk) -> list[str]:
    return [one["sku"] for one in (await desk.shown("lamp"))["variants"]]


@pytest.mark.usefixtures("lamp")
async def test_a_variant_comes_goes_and_changes_with_the_version_of_its_product(desk: Desk, shop: Shop) -> None:
    await add(desk, "LAMP-M", price=99, options={"size": "M"}, initial_stock=4)
    assert await skus(desk) == ["LAMP-S", "LAMP-L", "LAMP-M"]
    assert await shop.stock("LAMP-M") == (4, 0)
    assert await shop.rows("SELECT price FROM products") == [(99,)]
    await change(desk, "LAMP-M", position=0, price={"amount": 4999, "currency": "USD"})
    assert (await skus(desk))[0] == "LAMP-M"
    assert await shop.rows("SELECT price FROM products") == [(1999,)]
    await remove(desk, "LAMP-S")
    assert await skus(desk) == ["LAMP-M", "LAMP-L"]
    assert (await desk.shown("lamp"))["version"] == 4
    assert len(await desk.told_search()) == 3
    assert await desk.audited() == ["product.create", "variant.create", "variant.change", "variant.delete"]
    assert await shop.rows("SELECT 1 FROM stock WHERE sku = 'LAMP-S'") == []
    await shop.require_invariants()


@pytest.mark.usefixtures("lamp")
async def test_what_does_not_go_with_the_others_is_refused_and_nothing_is_written(desk: Desk, shop: Shop) -> None:
    await shop.product("TAKEN")
    blue = {"colour": "blue"}
    before = await desk.everything()
    refused: list[tuple[type[Fact], Callable[[], Awaitable[None]]]] = [
        (SkuTaken, lambda: add(desk, "TAKEN", options={"size": "M"})),
        (SkuTaken, lambda: add(desk, "LAMP-S", options={"size": "M"})),
        (VariantsDisagree, lambda: add(desk, "LAMP-M")),
        (VariantsDisagree, lambda: add(desk, "LAMP-M", options=blue)),
        (VariantsDisagree, lambda: add(desk, "LAMP-M", options={"size": "S"})),
        (VariantsDisagree, lambda: add(desk, "LAMP-M", options={"size": "M"}, currency="EUR")),
        (VariantsDisagree, lambda: change(desk, "LAMP-S", options=blue)),
        (VariantsDisagree, lambda: change(desk, "LAMP-S", options=None)),
        (VariantsDisagree, lambda: change(desk, "LAMP-S", price={"amount": 1, "currency": "EUR"})),
        (Stale, lambda: add(desk, "LAMP-M", expected=7, options={"size": "M"})),
        (Stale, lambda: change(desk, "LAMP-S", expected=7, position=3)),
        (Stale, lambda: remove(desk, "LAMP-S", expected=7)),
        (NotFound, lambda: change(desk, "TAKEN", position=3)),
        (NotFound, lambda: remove(desk, "TAKEN")),
    ]
    for refusal, act in refused:
        with pytest.raises(refusal):
            await act()
    assert await desk.everything() == before


@pytest.mark.usefixtures("lamp")
async def test_a_change_to_what_is_so_already_is_none(desk: Desk) -> None:
    before = await desk.everything()
    await change(desk, "LAMP-S", price={"amount": 1999, "currency": "USD"}, options={"size": "S"}, position=0)
    await change(desk, "LAMP-S")
    assert await desk.everything() == before


async def test_the_last_variant_stays(desk: Desk) -> None:
    await desk.create("LAMP", "LAMP-L", slug="lamp")
    both = await asyncio.gather(remove(desk, "LAMP"), remove(desk, "LAMP-L"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["LastVariant", "NoneType"]
    [sku] = await skus(desk)
    with pytest.raises(LastVariant):
        await remove(desk, sku)


async def test_a_variant_that_an_order_holds_stays(desk: Desk, shop: Shop) -> None:
    variants_ = [variant("LAMP", initial_stock=3), variant("LAMP-L", initial_stock=3)]
    await desk.create(slug="lamp", variants=variants_)
    await shop.held({"LAMP": 1})
    with pytest.raises(InUse):
        await remove(desk, "LAMP")
    await remove(desk, "LAMP-L")
    assert await skus(desk) == ["LAMP"]
    await shop.require_invariants()


async def test_a_product_has_a_hundred_variants_and_no_more(desk: Desk) -> None:
    await desk.create(*(f"LAMP-{n:03}" for n in range(99)), slug="lamp")
    both = await asyncio.gather(add(desk, "LAMP-A"), add(desk, "LAMP-B"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["NoneType", "VariantsDisagree"]
    assert len(await skus(desk)) == 100
