"""CSV in: rows that belong together, cells that are not what they should be, files that are refused as a whole."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import FileRefused
from services.transfer.csv_rows import MAX_ROWS
from services.transfer.entries import MAX_LINE, Format
from services.transfer.reading import look_over
from tests.services.transfer.files import HEADER, csv_file, csv_of, entries, product, refusals

CSV = Format.CSV
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
words = text.filter(bool)


@given(
    name=words,
    description=text,
    brand=words | st.none(),
    attributes=st.dictionaries(words, words | st.integers(-(2**53), 2**53) | st.booleans(), max_size=3),
    options=st.dictionaries(words, words, max_size=3),
    skus=st.lists(words, min_size=1, max_size=3),
)
def test_what_is_written_is_read_back(
    name: str, description: str, brand: str | None, attributes: Any, options: Any, skus: list[str]
) -> None:
    one = product("lamp", *skus, name=name, description=description, brand=brand, attributes=attributes)
    for variant in one["variants"]:
        variant["options"] = options
    (entry,) = entries(csv_of(one), CSV)
    assert not entry.refusals
    assert told(entry.body) == told(one)


def told(body: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing: an empty cell and a field that is not there are the same."""
    variants = [{name: value for name, value in variant.items() if value} for variant in body["variants"]]
    return {name: value for name, value in body.items() if value} | {"variants": variants}


def test_the_rows_of_a_slug_are_one_product_and_each_is_a_variant() -> None:
    file = csv_file("lamp,Lamp,,LAMP-S,100,USD", "lamp,,,LAMP-L,200,USD", "desk,Desk,,DESK,300,USD")
    lamp, desk = entries(file, CSV)
    assert [variant["sku"] for variant in lamp.body["variants"]] == ["LAMP-S", "LAMP-L"]
    assert (lamp.body["name"], lamp.line, lamp.rows) == ("Lamp", 2, [2, 3])
    assert (desk.body["name"], desk.line) == ("Desk", 4)


def test_a_price_is_minor_units_and_the_columns_stand_in_any_order() -> None:
    (entry,) = entries(csv_file("1999,JPY,A,a,Thing,", header="price,currency,sku,slug,name,description"), CSV)
    assert entry.body["variants"] == [{"sku": "A", "price": {"amount": 1999, "currency": "JPY"}}]


def test_a_byte_order_mark_is_accepted_and_blank_lines_are_passed_over() -> None:
    file = BytesIO(b"\xef\xbb\xbf" + f"{HEADER}\r\n\r\nlamp,Lamp,,LAMP,1,USD\r\n\r\n".encode())
    (entry,) = entries(file, CSV)
    assert (entry.line, entry.body["slug"]) == (3, "lamp")


def test_a_cell_with_line_breaks_leaves_the_lines_numbered_as_the_file_has_them() -> None:
    file = csv_file('lamp,Lamp,"one\ntwo\nthree",LAMP,1,USD', "desk,Desk,,DESK,x,USD")
    assert entries(file, CSV)[0].body["description"] == "one\ntwo\nthree"
    assert refusals(file, CSV) == [
        (5, "price", "is not a whole number of minor units, such as 1999 for 19.99 USD"),
    ]


@pytest.mark.parametrize("price", ["19.99", "1,5", "-", "1e3", "٣", "1 000", "9" * 18, "free"])
def test_a_price_that_is_no_whole_number_is_refused_with_its_line_and_column(price: str) -> None:
    ((line, column, _),) = refusals(csv_file(f'lamp,Lamp,,LAMP,"{price}",USD'), CSV)
    assert (line, column) == (2, "price")


@pytest.mark.parametrize("cell", ["{", "red", "{'a': 1}", "[1,]"])
def test_a_cell_that_should_be_json_and_is_not_is_refused(cell: str) -> None:
    file = csv_file(f'lamp,Lamp,,LAMP,1,USD,"{cell}"', header=f"{HEADER},options")
    assert refusals(file, CSV) == [(2, "options", 'is not JSON, such as {"Colour": "Red"}')]


@pytest.mark.parametrize(("row", "cells"), [("lamp,Lamp,,LAMP,1", 5), ("lamp,Lamp,,LAMP,1,USD,more", 7), ("lamp", 1)])
def test_a_row_with_another_number_of_cells_refuses_its_product_alone(row: str, cells: int) -> None:
    file = csv_file("desk,Desk,,DESK,1,USD", row, "sofa,Sofa,,SOFA,1,USD")
    assert refusals(file, CSV) == [(3, "", f"has {cells} cells where the header has 6")]
    assert len(entries(file, CSV)) == 3


def test_a_bad_row_refuses_all_rows_of_its_product() -> None:
    file = csv_file("lamp,Lamp,,LAMP-S,1,USD", "lamp,,,LAMP-M,oops,USD", "lamp,,,LAMP-L,1,USD")
    (entry,) = entries(file, CSV)
    assert [(one.line, one.field) for one in entry.refusals] == [(3, "price")]


def test_rows_of_a_product_that_contradict_its_first_one_are_refused() -> None:
    file = csv_file("lamp,Lamp,,LAMP-S,1,USD", "lamp,Lamp,,LAMP-M,1,USD", "lamp,Lantern,,LAMP-L,1,USD")
    assert refusals(file, CSV) == [(4, "name", "differs from line 2, where this product begins")]


def test_rows_without_a_slug_are_not_taken_for_one_product() -> None:
    assert len(entries(csv_file(",Lamp,,A,1,USD", ",Desk,,B,1,USD"), CSV)) == 2


def test_a_product_of_endless_rows_is_not_held_in_memory() -> None:
    file = csv_file(*[f"lamp,Lamp,,LAMP-{number},1,USD" for number in range(500)], "desk,Desk,,DESK,1,USD")
    lamp, desk = entries(file, CSV)
    assert (len(lamp.body["variants"]), desk.line) == (MAX_ROWS, 502)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("slug,name,description,sku,price", "the column 'currency' is missing"),
        (f"{HEADER},colour", "there is no column 'colour'"),
        (f"{HEADER},sku", "the column 'sku' stands there twice"),
        (f"{HEADER},", "there is no column ''"),
        (HEADER.replace(",", ";"), "Columns are parted by commas"),
        ("\x00", "there is no column"),
    ],
)
def test_a_header_that_is_not_good_refuses_the_file(header: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said) as refused:
        look_over(csv_file("lamp,Lamp,,LAMP,1,USD", header=header), CSV)
    assert refused.value.facts["line"] == 1


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('lamp,"Lamp"s,,LAMP,1,USD', 3),
        ('lamp,"Lamp,,LAMP,1,USD', 3),
        (f'lamp,"{"Lamp" * 50_000}",,LAMP,1,USD', 3),
        (f"lamp,{'x' * MAX_LINE},,LAMP,1,USD", 3),
        ("lamp,Lamp\rdesk,,LAMP,1,USD", 3),
    ],
)
def test_broken_quoting_and_endless_lines_refuse_the_file_by_their_line(broken: str, line: int) -> None:
    file = csv_file("desk,Desk,,DESK,1,USD", broken, *["sofa,Sofa,,SOFA,1,USD"] * 3)
    with pytest.raises(FileRefused, match=rf"ine {line}\b") as refused:
        look_over(file, CSV)
    assert refused.value.facts["line"] == line


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_refuses_the_file_by_its_line(encoding: str) -> None:
    file = BytesIO(f"{HEADER}\nlamp,Lampe à poser,,LAMP,1,USD\n".encode(encoding))
    with pytest.raises(FileRefused, match="is not UTF-8") as refused:
        look_over(file, CSV)
    assert refused.value.facts["line"] == (2 if encoding == "latin-1" else 1)


def test_an_empty_file_is_refused_and_a_header_alone_holds_nothing() -> None:
    with pytest.raises(FileRefused):
        look_over(BytesIO(), CSV)
    assert look_over(csv_file(), CSV).products == 0
