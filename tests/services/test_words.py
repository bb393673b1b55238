"""The catalogues: every language says the same of everything that is told, and writes amounts and dates its own way."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.notifications import NOTICE_OF_EVENT, NoticeKind
from domain.orders import CancelReason
from services.words import FALLBACK, LANGUAGES, Speech, names_in

ROOT = Path(__file__).parent.parent.parent
OTHERS = sorted(LANGUAGES - {FALLBACK})


def sentences(words: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where each stands in a catalogue, and the sentence."""
    if isinstance(words, str):
        yield path, words
    else:
        for name, inner in words.items() if isinstance(words, dict) else enumerate(words):
            yield from sentences(inner, f"{path}.{name}")


def test_the_shop_speaks_four_languages() -> None:
    assert {"en", "de", "fr", "es"} == LANGUAGES


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_says_the_same_with_the_same_values(language: str) -> None:
    theirs = {path: names_in(sentence) for path, sentence in sentences(Speech.of(language).words)}
    assert theirs == {path: names_in(sentence) for path, sentence in sentences(Speech.of(FALLBACK).words)}


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_was_left_in_english(language: str) -> None:
    english = dict(sentences(Speech.of(FALLBACK).words))
    same = [path for path, sentence in sentences(Speech.of(language).words) if sentence == english[path]]
    assert set(same) <= {".frame.total", ".notices.order_cancelled.text.0"}, same


def test_everything_that_can_be_told_has_words_and_nothing_else_has() -> None:
    words = Speech.of(FALLBACK).words
    assert set(words["notices"]) == {kind.value for kind in NoticeKind}
    assert set(words["reasons"]) == {reason.value for reason in CancelReason}


def test_each_kind_is_told_by_something() -> None:
    used = set(NOTICE_OF_EVENT.values())
    for package in ("services", "activities"):
        for file in (ROOT / package).rglob("*.py"):
            used |= {
                NoticeKind[node.attr]
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "NoticeKind"
            }
    assert set(NoticeKind) == used


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_notice_of_which_only_the_least_is_known_still_says_something(kind: NoticeKind, language: str) -> None:
    said = Speech.of(language).notice(kind, {"sku": "LAMP"}, "TW-1")
    assert ("TW-1" in said.title) is not ("LAMP" in said.title)
    assert "{" not in " ".join([said.title, *said.text])


@pytest.mark.parametrize(
    ("preferred", "language", "amount"),
    [
        (None, "en", "€1,234.50"), ("en", "en", "€1,234.50"), ("pl", "en", "€1,234.50"), ("zu-ZA", "en", "€1,234.50"),
        ("de", "de", "1.234,50 €"), ("de-AT", "de", "€ 1.234,50"), ("de-XX", "de", "1.234,50 €"),
        ("fr", "fr", "1 234,50 €"), ("es", "es", "1.234,50 €"),
    ],
)  # fmt: skip
def test_a_reader_has_the_words_of_the_language_and_the_amounts_of_the_country(
    preferred: str | None, language: str, amount: str
) -> None:
    speech = Speech.of(preferred)
    assert speech.language == language
    assert speech.money(123450, "EUR").replace("\xa0", " ").replace("\u202f", " ") == amount


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "¥1,234,567"), ("USD", "$12,345.67"), ("KWD", "1,234.567")])
def test_minor_units_are_those_of_the_currency(currency: str, amount: str) -> None:
    assert amount in Speech.of("en").money(1234567, currency)


def test_the_largest_amount_is_exact() -> None:
    assert Speech.of("en").money(2**53 + 1, "USD") == "$90,071,992,547,409.93"


def test_values_are_written_as_the_reader_has_them() -> None:
    speech = Speech.of("de")
    waiting = speech.notice(NoticeKind.RETURN_WAITING, {"until": "2026-03-01T12:00:00+00:00"}, "TW-1")
    assert "1. März 2026" in waiting.text[1]
    assert "12.345" in speech.notice(NoticeKind.STOCK_LOW, {"sku": "LAMP", "available": 12345}, None).text[0]
    refund = speech.notice(NoticeKind.REFUND_ISSUED, {"amount": 1999, "currency": "EUR"}, "TW-1")
    assert "19,99\xa0€" in refund.text[0]


def test_a_reason_that_has_no_words_is_not_said() -> None:
    known = Speech.of("en").notice(NoticeKind.ORDER_CANCELLED, {"reason": "hold-expired"}, "TW-1")
    unknown = Speech.of("en").notice(NoticeKind.ORDER_CANCELLED, {"reason": "of-a-later-version"}, "TW-1")
    assert known.text[1:] == unknown.text


def test_what_stands_in_a_fact_is_never_read_as_a_sentence_of_ours() -> None:
    said = Speech.of("en").notice(NoticeKind.ORDER_SHIPPED, {"carrier": "{number} {0} {x!r}"}, "TW-1")
    assert "It comes with {number} {0} {x!r}." in said.text
