"""Products of a file as drafts: the rules of POST /products, told in the words of the file."""

import tracemalloc
from io import BytesIO
from typing import Any

import pytest

from services.transfer.drafting import BATCH, REASONS, Batch, batches
from services.transfer.entries import Format
from tests.services.transfer.files import HEADER, csv_file, csv_of, jsonl_of, product


def told(file: BytesIO, form: Format) -> list[tuple[int, str, str]]:
    """Of the file's only batch: line, field, reason."""
    (batch,) = batches(file, form)
    return [(one.line, one.field, one.reason) for refusals in batch.refused.values() for one in refusals]


def test_a_good_product_is_a_draft_with_the_line_where_it_begins() -> None:
    (batch,) = batches(csv_of(product("lamp", "LAMP-S", "LAMP-L"), product("desk")), Format.CSV)
    assert {line: draft.slug for line, draft in batch.drafts.items()} == {2: "lamp", 4: "desk"}
    assert (batch.after, batch.position, batch.refused) == (0, 4, {})


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("Lamp!,Lamp,,LAMP,1,USD", "slug"),
        (",Lamp,,LAMP,1,USD", "slug"),
        ("lamp,,,LAMP,1,USD", "name"),
        ("lamp,   ,,LAMP,1,USD", "name"),
        ("lamp,La\x00mp,,LAMP,1,USD", "name"),
        (f"lamp,{'x' * 201},,LAMP,1,USD", "name"),
        ("lamp,Lamp,,LA MP,1,USD", "sku"),
        ("lamp,Lamp,,,1,USD", "sku"),
        ("lamp,Lamp,,LAMP,-1,USD", "price"),
        ("lamp,Lamp,,LAMP,,USD", "price"),
        ("lamp,Lamp,,LAMP,1,QQQ", "currency"),
        ("lamp,Lamp,,LAMP,1,", "currency"),
    ],
)
def test_what_a_post_would_refuse_is_refused_by_line_and_column(row: str, column: str) -> None:
    ((line, field, reason),) = told(csv_file(row), Format.CSV)
    assert (line, field) == (2, column)
    assert reason


def test_a_variants_mistake_is_told_with_the_line_of_its_row() -> None:
    file = csv_file('lamp,Lamp,"two\nlines",LAMP-S,1,USD', "lamp,,,LAMP-M,1,USD", "lamp,,,LAMP L,1,USD")
    assert [(line, field) for line, field, _ in told(file, Format.CSV)] == [(5, "sku")]


def test_variants_that_do_not_agree_refuse_the_product() -> None:
    file = csv_file("lamp,Lamp,,LAMP-S,1,USD", "lamp,,,LAMP-M,1,EUR")
    assert told(file, Format.CSV) == [(2, "", "the variants of a product have one currency")]


def test_in_json_lines_a_mistake_is_told_with_its_path() -> None:
    body = product("lamp") | {"colour": "red"}
    body["variants"][0]["price"]["amount"] = 19.99
    assert [(line, field) for line, field, _ in told(jsonl_of(body), Format.JSONL)] == [
        (1, "variants.0.price.amount"),
        (1, "colour"),
    ]


@pytest.mark.parametrize("name", ["id", "version", "created_at", "price", "in_stock"])
def test_fields_that_are_not_a_products_to_say_are_refused(name: str) -> None:
    ((_, field, _),) = told(jsonl_of(product("lamp") | {name: 1}), Format.JSONL)
    assert field == name


def test_a_product_of_a_hundred_mistakes_is_told_with_the_first_twenty() -> None:
    unknown: dict[str, Any] = {f"field-{number}": number for number in range(100)}
    assert len(told(jsonl_of(product("lamp", **unknown)), Format.JSONL)) == REASONS


def test_a_slug_that_stands_further_up_is_refused_the_second_time() -> None:
    file = csv_file("lamp,Lamp,,LAMP-S,1,USD", "desk,Desk,,DESK,1,USD", "lamp,Lamp,,LAMP-M,1,USD")
    assert told(file, Format.CSV) == [
        (4, "slug", "stands on line 2 already; the rows of a product stand together"),
    ]


def many(count: int) -> BytesIO:
    return csv_of(*[product(f"p-{number}") for number in range(count)])


def test_batches_hold_every_product_once() -> None:
    found = list(batches(many(2 * BATCH + 1), Format.CSV))
    assert [batch.products for batch in found] == [BATCH, BATCH, 1]
    assert [batch.after for batch in found] == [0, *[batch.position for batch in found[:-1]]]
    assert sorted(line for batch in found for line in batch.drafts) == list(range(2, 2 * BATCH + 3))


def test_going_on_below_a_line_leaves_what_is_above_it_and_still_knows_its_slugs() -> None:
    first, *rest = batches(many(BATCH + 5), Format.CSV)
    assert list(batches(many(BATCH + 5), Format.CSV, after=first.position)) == rest
    again = csv_file("lamp,Lamp,,LAMP,1,USD", "desk,Desk,,DESK,1,USD", "lamp,Lamp,,LAMP,1,USD", header=HEADER)
    (batch,) = batches(again, Format.CSV, after=2)
    assert (list(batch.drafts), list(batch.refused)) == ([3], [4])


def test_nothing_is_left_when_all_is_done() -> None:
    assert list(batches(many(3), Format.CSV, after=4)) == []
    assert Batch(0, 0).products == 0


@pytest.mark.parametrize(("form", "write"), [(Format.CSV, csv_of), (Format.JSONL, jsonl_of)])
def test_a_long_file_takes_no_more_memory_than_its_slugs_and_a_batch(form: Format, write: type) -> None:
    file = write(*[product(f"p-{number}", description="x" * 5000) for number in range(20 * BATCH)])
    tracemalloc.start()
    try:
        assert sum(batch.products for batch in batches(file, form)) == 20 * BATCH
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(file.getvalue()) / 4
