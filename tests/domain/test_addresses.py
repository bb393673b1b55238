"""Postal codes as each country's post writes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import MAY_LACK_A_POSTAL_CODE, POSTAL_FORMATS, postal_code

COUNTRIES = st.sampled_from([*sorted(POSTAL_FORMATS), "HK", "AR", "IL"])


@pytest.mark.parametrize(
    ("country", "given_", "written"),
    [
        ("US", " 97201 ", "97201"),
        ("US", "972011234", "97201-1234"),
        ("US", "97201-1234", "97201-1234"),
        ("PR", "00901", "00901"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "M1 1AE", "M1 1AE"),
        ("GB", "gir 0aa", "GIR 0AA"),
        ("CA", "k1a-0b1", "K1A 0B1"),
        ("NL", "1012ab", "1012 AB"),
        ("JP", "1000001", "100-0001"),
        ("PL", "00 001", "00-001"),
        ("SE", "11351", "113 51"),
        ("IE", "d02x285", "D02 X285"),
        ("BR", "01310100", "01310-100"),
        ("DE", "10115", "10115"),
        ("TW", "10048", "10048"),
        ("AR", "c1425dkf", "C1425DKF"),
        ("IL", " 94  142 ", "94 142"),
        ("IE", "", ""),
        ("HK", "   ", ""),
        ("HK", "999077", "999077"),
    ],
)
def test_a_postal_code_is_written_as_its_country_writes_it(country: str, given_: str, written: str) -> None:
    assert postal_code(country, given_) == written


@pytest.mark.parametrize(
    ("country", "given_"),
    [
        ("US", ""), ("US", "9720"), ("US", "97201-12"), ("US", "9720A"), ("US", "٩٧٢٠١"), ("GB", "97201"),
        ("GB", "SW1A"), ("CA", "D1A 0B1"), ("NL", "0012 AB"), ("IN", "012345"), ("DE", "1011"), ("DE", "D-10115"),
        ("AR", ""), ("AR", "!"), ("AR", "x"), ("AR", "1" * 17), ("AR", "1\x002"), ("IL", "9;4"), ("HK", "-"),
        ("IE", "D02"),
    ],
)  # fmt: skip
def test_what_is_no_postal_code_there_is_refused(country: str, given_: str) -> None:
    with pytest.raises(ValueError, match="postal code"):
        postal_code(country, given_)


def test_a_refusal_shows_what_one_looks_like() -> None:
    with pytest.raises(ValueError, match=re.escape("a postal code of GB looks like SW1A 1AA")):
        postal_code("GB", "97201")


@pytest.mark.parametrize("country", sorted(POSTAL_FORMATS))
def test_each_example_is_one_and_is_written_so(country: str) -> None:
    assert postal_code(country, POSTAL_FORMATS[country].example) == POSTAL_FORMATS[country].example


@given(country=COUNTRIES, given_=st.text(max_size=20))
def test_a_code_that_was_accepted_is_kept_short_and_accepted_again_as_it_is(country: str, given_: str) -> None:
    try:
        written = postal_code(country, given_)
    except ValueError:
        return
    assert postal_code(country, written) == written
    assert len(written) <= 16
    assert written or country in MAY_LACK_A_POSTAL_CODE
