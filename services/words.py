"""What the shop says and in which language: one catalogue for each, in `mail_templates/words/`, for inboxes and mails.

A language that the shop does not speak is answered in English. Amounts and dates are written as the reader's locale has
them, which may say more than the language: 1.234,00 € in de-AT is € 1.234,00.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from domain.money import EXPONENTS
from domain.notifications import NoticeKind

FALLBACK = "en"

_FOLDER = Path(__file__).parent / "mail_templates" / "words"
LANGUAGES = frozenset(file.stem for file in _FOLDER.glob("*.toml"))


@dataclass(frozen=True)
class Said:
    """A title, and the sentences below it."""

    title: str
    text: list[str]


@dataclass(frozen=True)
class Speech:
    """One reader's language and locale."""

    language: str
    locale: Locale

    @classmethod
    def of(cls, preferred: str | None) -> "Speech":
        """`preferred` as in somebody's preferences: `de`, or with a country `de-AT`. None: nothing was ever set."""
        return _speech(preferred or FALLBACK)

    @property
    def words(self) -> dict[str, Any]:
        """The whole catalogue of the language."""
        return _catalogue(self.language)

    def notice(self, kind: NoticeKind, facts: Mapping[str, Any], number: str | None) -> Said:
        """`facts` as the notification has them; `number` is the order's."""
        words = self.words["notices"][kind.value]
        values = self._values(facts) | ({"number": number} if number else {})
        title, *text = _known([words["title"], *words["text"]], values)
        return Said(title, text)

    def money(self, amount: int, currency: str) -> str:
        """`amount` in minor units."""
        return str(format_currency(Decimal(amount).scaleb(-EXPONENTS[currency]), currency, locale=self.locale))

    def _values(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """As the reader is to see them. A reason that has no words is not known."""
        values = {name: self._written(value) for name, value in facts.items() if value is not None}
        if "amount" in facts and "currency" in facts:
            values["amount"] = self.money(facts["amount"], facts["currency"])
        if until := facts.get("until"):
            values["until"] = str(format_date(datetime.fromisoformat(until), "long", locale=self.locale))
        if reason := self.words["reasons"].get(values.pop("reason", None)):
            values["reason"] = reason
        return values

    def _written(self, value: object) -> str:
        return str(format_decimal(value, locale=self.locale)) if isinstance(value, int) else str(value)


@cache
def _catalogue(language: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))


@cache
def _speech(preferred: str) -> Speech:
    language = preferred[:2]
    if language not in LANGUAGES:
        return Speech(FALLBACK, Locale(FALLBACK))
    try:
        return Speech(language, Locale.parse(preferred, sep="-"))
    except (UnknownLocaleError, ValueError):  # a country where nobody speaks it
        return Speech(language, Locale(language))


def _known(sentences: Iterable[str], values: Mapping[str, str]) -> list[str]:
    return [sentence.format_map(values) for sentence in sentences if names_in(sentence) <= values.keys()]


def names_in(sentence: str) -> set[str]:
    """Of the values that it needs."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}
