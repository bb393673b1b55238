"""A file into the catalogue: what is good is written, what is not is told, and a second time changes nothing."""

from io import BytesIO

import pytest

from devstack.demo.catalogue import read_catalogue
from devstack.demo.loading import load_catalogue
from domain.errors import ImportRunning
from services.audit import Actor
from services.transfer import importing
from services.transfer.drafting import BATCH, batches
from services.transfer.entries import Format
from services.transfer.importing import Writer
from services.transfer.reading import look_over
from tests.builders import Shop
from tests.services.transfer.conftest import WRITER, Exporting, Importing, reasons
from tests.services.transfer.files import HEADER, csv_file, csv_of, jsonl_of, product

both = pytest.mark.parametrize(("form", "write"), [(Format.CSV, csv_of), (Format.JSONL, jsonl_of)])
LAMP = product(
    "lamp", "LAMP-S", "LAMP-L", brand="Lumen", description='A "lamp",\r\nwith a shade; „schön“\r',
    attributes={"Watt": 40, "Rooms": ["bath", "hall"], "Height": 1.5, "Dimmable": True}, images=["https://a.test/1.png"],
    status="draft",
)  # fmt: skip
DESK = product("desk", category="office-desks", price=29_900)


async def slugs(shop: Shop) -> set[str]:
    return {row[0] for row in await shop.rows("SELECT slug FROM products")}


def counts(done: object) -> tuple[int, ...]:
    return tuple(getattr(done, name) for name in ("new", "changed", "unchanged", "refused"))


@both
async def test_an_export_imported_into_an_empty_shop_exports_as_the_same_file(
    shop: Shop, import_: Importing, export: Exporting, form: Format, write: type
) -> None:
    making = Writer(Actor(None), 5, makes_categories=True)
    await import_(write(DESK, LAMP), form, making)
    file = await export(form)
    assert file == write(DESK, LAMP).getvalue()
    await shop.rows("TRUNCATE products, variants, categories CASCADE")
    assert counts(await import_(BytesIO(file), form, making)) == (2, 0, 0, 0)
    assert await export(form) == file


@both
async def test_a_second_time_changes_nothing(shop: Shop, import_: Importing, form: Format, write: type) -> None:
    assert counts(await import_(write(product("lamp"), product("sofa")), form)) == (2, 0, 0, 0)
    before = await shop.rows("SELECT slug, version, updated_at FROM products ORDER BY slug")
    changes = await shop.rows("SELECT count(*) FROM search_changes")
    assert counts(await import_(write(product("lamp"), product("sofa")), form)) == (0, 0, 2, 0)
    assert await shop.rows("SELECT slug, version, updated_at FROM products ORDER BY slug") == before
    assert await shop.rows("SELECT count(*) FROM search_changes") == changes
    assert counts(await import_(write(product("lamp", price=5), product("sofa")), form)) == (0, 1, 1, 0)


async def test_what_is_not_good_is_told_and_the_rest_is_imported(shop: Shop, import_: Importing) -> None:
    await shop.product("TAKEN")
    file = csv_file(
        "lamp,Lamp,,LAMP,100,USD,",
        "desk,Desk,,TAKEN,100,USD,",
        "sofa,Sofa,,SOFA,100,USD,no-such-category",
        "chair,Chair,,CHAIR,abc,USD,",
        "stool,Stool,,LAMP,100,USD,",
        "bench,Bench,,BENCH,100,USD,",
        header=f"{HEADER},category",
    )
    done = await import_(file, Format.CSV)
    assert counts(done) == (2, 0, 0, 4)
    assert {"lamp", "bench"} == await slugs(shop) - {slug for slug in await slugs(shop) if slug.startswith("taken")}
    told = await reasons(shop, done.id)
    assert [(line, field) for line, field, _ in told] == [(3, "sku"), (4, "category"), (5, "price"), (6, "sku")]
    for (*_, reason), named in zip(told, ("TAKEN", "no-such-category", "whole number", "LAMP"), strict=True):
        assert named in reason


async def test_a_sku_of_an_earlier_batch_is_not_taken_from_its_product(shop: Shop, import_: Importing) -> None:
    many = [product(f"p-{number}") for number in range(BATCH)]
    done = await import_(jsonl_of(*many, product("thief", "P-0")), Format.JSONL)
    assert counts(done) == (BATCH, 0, 0, 1)
    ((line, field, reason),) = await reasons(shop, done.id)
    assert (line, field) == (BATCH + 1, "sku")
    assert "P-0" in reason


async def test_what_the_file_does_not_have_is_left_alone(shop: Shop, import_: Importing) -> None:
    await import_(csv_of(product("lamp", "LAMP-S", "LAMP-L"), product("sofa")), Format.CSV)
    await import_(csv_of(product("lamp", "LAMP-S", price=5)), Format.CSV)
    prices = await shop.rows("SELECT sku, price FROM variants ORDER BY sku")
    assert prices == [("LAMP-L", 1999), ("LAMP-S", 5), ("SOFA", 1999)]


async def test_stock_is_opened_for_a_new_sku_and_never_again(shop: Shop, import_: Importing) -> None:
    for units in (7, 9):
        file = csv_file(f"lamp,Lamp,,LAMP,100,USD,{units}", header=f"{HEADER},initial_stock")
        await import_(file, Format.CSV)
    assert await shop.rows("SELECT on_hand FROM stock") == [(7,)]
    await shop.require_invariants()


async def test_products_are_published_and_put_into_the_search_outbox(shop: Shop, import_: Importing) -> None:
    await import_(csv_of(product("lamp"), product("sofa")), Format.CSV)
    assert await shop.rows("SELECT count(*) FROM product_bodies") == [(2,)]
    assert await shop.rows("SELECT count(DISTINCT product_id) FROM search_changes") == [(2,)]


async def test_an_import_is_in_the_audit_log(shop: Shop, import_: Importing) -> None:
    done = await import_(csv_of(product("lamp")), Format.CSV)
    audited = await shop.rows("SELECT action, subject_id, details FROM audit_entries WHERE action = 'catalogue.import'")
    assert audited == [("catalogue.import", str(done.id), {"sha256": done.sha256, "products": 1})]


async def test_what_breaks_off_goes_on_where_it_stopped(shop: Shop) -> None:
    file = jsonl_of(*[product(f"p-{number}") for number in range(BATCH + 3)], product("p-1"))
    outline = look_over(file, Format.JSONL)
    async with shop.database.transaction() as session:
        import_id = await importing.begin(session, outline, WRITER.actor)
    first, _ = batches(file, Format.JSONL)
    async with shop.database.transaction() as session:
        await importing.write(session, import_id, first, WRITER)
    async with shop.database.transaction() as session:
        assert await importing.unfinished(session, outline) == import_id
        position = (await importing.state(session, import_id)).position
    (rest,) = batches(file, Format.JSONL, after=position)
    async with shop.database.transaction() as session:
        await importing.write(session, import_id, rest, WRITER)
        await importing.finish(session, import_id)
        done = await importing.state(session, import_id)
        assert await importing.unfinished(session, outline) is None
    assert counts(done) == (BATCH + 3, 0, 0, 1)


async def test_two_who_import_the_same_file_do_not_mix(shop: Shop) -> None:
    file = jsonl_of(product("lamp"))
    async with shop.database.transaction() as session:
        import_id = await importing.begin(session, look_over(file, Format.JSONL), WRITER.actor)
    (batch,) = batches(file, Format.JSONL)
    async with shop.database.transaction() as session:
        await importing.write(session, import_id, batch, WRITER)
    with pytest.raises(ImportRunning):
        async with shop.database.transaction() as session:
            await importing.write(session, import_id, batch, WRITER)
    async with shop.database.transaction() as session:
        assert counts(await importing.state(session, import_id)) == (1, 0, 0, 0)


async def test_an_import_that_broke_off_long_ago_is_not_gone_on_with(shop: Shop) -> None:
    outline = look_over(jsonl_of(product("lamp")), Format.JSONL)
    async with shop.database.transaction() as session:
        await importing.begin(session, outline, WRITER.actor)
    await shop.rows("UPDATE catalogue_imports SET started_at = now() - interval '25 hours'")
    async with shop.database.transaction() as session:
        assert await importing.unfinished(session, outline) is None


async def test_a_field_with_an_odd_name_is_refused_and_told(shop: Shop, import_: Importing) -> None:
    done = await import_(jsonl_of(product("lamp", **{"a\x00b\u202e": 1})), Format.JSONL)
    assert counts(done) == (0, 0, 0, 1)
    assert [(line, field) for line, field, _ in await reasons(shop, done.id)] == [(1, "a�b�")]


async def test_the_demo_catalogue_says_the_same_as_its_export(
    shop: Shop, import_: Importing, export: Exporting
) -> None:
    catalogue = read_catalogue()
    async with shop.database.transaction() as session:
        await load_catalogue(session, catalogue, low_stock_threshold=5)
    for form in Format:
        done = await import_(BytesIO(await export(form)), form)
        assert counts(done) == (0, 0, len(catalogue.products), 0)
