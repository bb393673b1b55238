"""JSON Lines in: a line that is not good is refused by itself, another encoding refuses the file."""

from io import BytesIO

import pytest

from domain.errors import FileRefused
from services.transfer.entries import MAX_LINE, Format
from services.transfer.reading import look_over
from tests.services.transfer.files import entries, jsonl_of, product, refusals

JSONL = Format.JSONL


def test_what_is_written_is_read_back_line_by_line() -> None:
    products = [product("lamp", "LAMP-S", "LAMP-L", brand="Lumen"), product("desk", description='5" wide,\n„gut“')]
    found = entries(jsonl_of(*products), JSONL)
    assert [entry.body for entry in found] == products
    assert [entry.line for entry in found] == [1, 2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"slug": "lamp"', "is not JSON"),
        (b"{'slug': 'lamp'}", "is not JSON"),
        (b'{"slug": "\\ud800"}', "is not JSON"),
        (b'{"price": NaN}', "is not JSON"),
        (b"[" * 3000, "is not JSON"),
        (b"[1, 2]", "is not an object"),
        (b"null", "is not an object"),
        (b'{"slug": "' + b"x" * MAX_LINE + b'"}', "is longer than"),
    ],
)
def test_a_bad_line_is_refused_by_itself(line: bytes, said: str) -> None:
    good = jsonl_of(product("lamp")).getvalue()
    file = BytesIO(good + b"\n" + line + b"\n" + good)
    ((number, field, reason),) = refusals(file, JSONL)
    assert (number, field) == (3, "")
    assert reason.startswith(said)
    assert [entry.line for entry in entries(file, JSONL)] == [1, 3, 4]


def test_another_encoding_refuses_the_file_by_its_line() -> None:
    file = BytesIO(jsonl_of(product("lamp")).getvalue() + '{"name": "Lampe à poser"}'.encode("latin-1"))
    with pytest.raises(FileRefused, match="Line 2 is not UTF-8: byte 0xe0"):
        look_over(file, JSONL)


def test_a_file_is_known_by_its_content_and_its_products_are_counted() -> None:
    one, same, other = jsonl_of(product("a"), product("b")), jsonl_of(product("a"), product("b")), jsonl_of()
    assert look_over(one, JSONL) == look_over(same, JSONL)
    assert look_over(one, JSONL).products == 2
    assert look_over(other, JSONL).sha256 != look_over(one, JSONL).sha256
