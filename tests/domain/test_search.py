"""What is typed: its words, its tiers, and the cursors of what it finds."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidCursor
from domain.search import Sort, Wanted, words
from domain.search_cursor import Mark, decode, encode, fingerprint
from domain.search_tiers import Match, Term, Unit, synonyms_of, tiers, units

LAMP = Wanted(text="oak lamp")
MARK = Mark(2, 1767225600000014, str(uuid4()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café CRÈME", ["cafe", "creme"]),
        ("  wi-fi, 40 °C ", ["wi", "fi", "40", "c"]),
        ("Süß STRASSE", ["suss", "strasse"]),
        ("ガラス ½", ["カラス", "1", "2"]),
        ("@name:{x} | -(y) \"z\" 'a' %b% *", ["name", "x", "y", "z", "a", "b"]),
        ("@|*%({~-\"'\\\x00💡", []),
    ],
)
def test_words_are_letters_and_digits_without_case_and_accents(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_hold_nothing_that_a_query_language_reads(text: str) -> None:
    for word in words(text):
        assert word
        assert not set(word) & set(" \t\n@|*%(){}[]~-\"'\\:;,.<>=!?$^&#/`+\x00\x1f")
        assert words(word) == [word] or not word.isascii()


def test_something_typed_without_a_word_finds_nothing_and_nothing_typed_finds_all() -> None:
    assert Wanted(text="***").is_impossible
    assert not Wanted().is_impossible
    assert not LAMP.is_impossible


def test_each_tier_contains_the_one_before_it() -> None:
    """Clause by clause: whatever satisfied the one satisfies the other."""
    found = tiers(units(["oak", "table", "lampshade"], {("table",): [("desk",), ("writing", "desk")]}))
    names, titles, some_title, anywhere, started, mistyped = found
    assert [len(tier) for tier in found] == [3, 3, 4, 3, 3, 3]
    assert some_title[:3] == anywhere
    assert set(some_title[3]) == {option for clause in titles for option in clause}
    for clause, wider, widest in zip(anywhere, started, mistyped, strict=True):
        assert set(clause) <= set(wider) <= set(widest)
    assert (Term("writing", Match.NAME), Term("desk", Match.NAME)) in names[1]
    typos = [option for clause in mistyped for option in clause if option[0].match is Match.TYPO]
    assert [(option[0].word, option[0].typos) for option in typos] == [("table", 1), ("lampshade", 2)]


@pytest.mark.parametrize(("word", "may_be"), [("oak", False), ("lamp", True), ("lx2000", False), ("180", False)])
def test_short_words_and_digits_are_taken_as_typed(word: str, may_be: bool) -> None:
    assert bool(Unit((word,)).mistyped) is may_be


def test_synonyms_go_both_ways_and_the_longest_that_is_typed_counts() -> None:
    same = synonyms_of([[("tee",), ("t", "shirt")], [("tee",), ("jersey",)]])
    assert same[("tee",)] == (("t", "shirt"), ("jersey",))
    assert same[("jersey",)] == (("tee",),)
    found = units(["red", "t", "shirt", "t"], same)
    assert found == [Unit(("red",)), Unit(("t", "shirt"), (("tee",),)), Unit(("t",))]


def test_a_cursor_comes_back_as_it_was_given_out() -> None:
    for mark in (MARK, Mark(0, -5, MARK.key), Mark(0, 119_000, f"cafe creme\x1f{MARK.key}")):
        for sort in Sort:
            assert decode(encode(mark, LAMP, sort), LAMP, sort) == mark


@pytest.mark.parametrize(
    "other",
    [
        Wanted(),
        replace(LAMP, text="lamp oak"),
        replace(LAMP, brand="Hestia"),
        replace(LAMP, category="home"),
        replace(LAMP, price_min=0),
        replace(LAMP, price_max=0),
        replace(LAMP, in_stock=False),
        replace(LAMP, attributes=(("material", "oak"),)),
    ],
)
def test_a_cursor_of_another_search_or_another_order_is_refused(other: Wanted) -> None:
    cursor = encode(MARK, LAMP, Sort.RELEVANCE)
    with pytest.raises(InvalidCursor):
        decode(cursor, other, Sort.RELEVANCE)
    with pytest.raises(InvalidCursor):
        decode(cursor, LAMP, Sort.PRICE)
    assert fingerprint(other) != fingerprint(LAMP)


def test_case_and_blanks_make_no_other_search() -> None:
    cursor = encode(MARK, LAMP, Sort.RELEVANCE)
    assert decode(cursor, replace(LAMP, text="  OAK   lamp!"), Sort.RELEVANCE) == MARK


@given(st.text(max_size=120))
def test_a_cursor_that_was_never_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(cursor, LAMP, Sort.NEWEST)


@given(at=st.integers(0, 300), letter=st.sampled_from("ABCxyz019-_"))
def test_a_cursor_with_one_letter_changed_is_refused(at: int, letter: str) -> None:
    cursor = encode(MARK, LAMP, Sort.NEWEST)
    at %= len(cursor) - 1  # the last one holds bits that say nothing
    changed = cursor[:at] + letter + cursor[at + 1 :]
    if changed != cursor:
        with pytest.raises(InvalidCursor):
            decode(changed, LAMP, Sort.NEWEST)


@pytest.mark.parametrize(
    "mark",
    [
        Mark(10, 0, MARK.key),
        Mark(0, 2**54, MARK.key),
        Mark(0, 0, "no id"),
        Mark(0, 0, f'" || 1==1 || "{MARK.key}'),
        Mark(0, 0, MARK.key.upper()),
    ],
)
def test_a_forged_cursor_says_nothing_that_a_query_would_read(mark: Mark) -> None:
    with pytest.raises(InvalidCursor):
        decode(encode(mark, LAMP, Sort.NEWEST), LAMP, Sort.NEWEST)
