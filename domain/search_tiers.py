"""Relevance: what is found stands in tiers, the best first, and within a tier the newest first.

A product's tier is that of the word that fits it worst, and depends on nothing but the product: an index that grows
moves nobody who is paging through it, and both engines put a product into the same tier. Each tier contains the ones
before it:

0. every word is a word of the name
1. … of the name or the brand
2. … of the name, the brand or the description, and one of them of the name or the brand
3. … of the name, the brand or the description
4. … or the start of a word of the name or the brand
5. … or looks like one of them: what a typing error leaves of it
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST_START = 24
"""Letters of a start that the index keeps. A longer one finds whole words."""

SHORTEST_TYPO = 4
"""Letters of a word that may hold a typing error, and twice as many for two. A shorter one is like too many others."""

Phrase = tuple[str, ...]
"""Words that all have to be there, in no order."""


class Match(StrEnum):
    NAME = "name"
    TITLE = "title"
    """Of the name or the brand."""
    ANYWHERE = "anywhere"
    START = "start"
    TYPO = "typo"


@dataclass(frozen=True)
class Term:
    word: str
    match: Match

    @property
    def typos(self) -> int:
        return 2 if len(self.word) >= 2 * SHORTEST_TYPO else 1


Option = tuple[Term, ...]
"""All of these."""
Clause = tuple[Option, ...]
"""Any of these."""
Tier = tuple[Clause, ...]
"""All of these."""


@dataclass(frozen=True)
class Unit:
    """A word as it was typed, or a few that belong together, and what means the same."""

    typed: Phrase
    same: tuple[Phrase, ...] = ()

    def found(self, match: Match) -> Clause:
        return tuple(tuple(Term(word, match) for word in phrase) for phrase in (self.typed, *self.same))

    @property
    def started(self) -> Clause:
        short = all(len(word) <= LONGEST_START for word in self.typed)
        return (tuple(Term(word, Match.START) for word in self.typed),) if short else ()

    @property
    def mistyped(self) -> Clause:
        """One word at a time; digits mean what they say."""
        word = self.typed[0]
        may_be = len(self.typed) == 1 and len(word) >= SHORTEST_TYPO and word.isalpha()
        return ((Term(word, Match.TYPO),),) if may_be else ()


def units(words: Sequence[str], synonyms: Mapping[Phrase, Iterable[Phrase]]) -> list[Unit]:
    """The words in order, the longest synonym first where several begin at one word."""
    longest = max((len(phrase) for phrase in synonyms), default=1)
    found, at = [], 0
    while at < len(words):
        length = next((n for n in range(longest, 1, -1) if tuple(words[at : at + n]) in synonyms), 1)
        typed = tuple(words[at : at + length])
        found.append(Unit(typed, tuple(synonyms.get(typed, ()))))
        at += length
    return found


def tiers(found: Sequence[Unit]) -> list[Tier]:
    titles = tuple(unit.found(Match.TITLE) for unit in found)
    anywhere = tuple(unit.found(Match.ANYWHERE) for unit in found)
    any_title: Clause = tuple(option for clause in titles for option in clause)
    started = tuple(clause + unit.started for clause, unit in zip(anywhere, found, strict=True))
    mistyped = tuple(clause + unit.mistyped for clause, unit in zip(started, found, strict=True))
    names = tuple(unit.found(Match.NAME) for unit in found)
    return [names, titles, (*anywhere, any_title), anywhere, started, mistyped]


def synonyms_of(groups: Iterable[Iterable[Phrase]]) -> dict[Phrase, tuple[Phrase, ...]]:
    """Each phrase with all that means the same. One that stands in two groups has the others of both."""
    same: dict[Phrase, dict[Phrase, None]] = {}
    for group in groups:
        phrases = list(dict.fromkeys(group))
        for phrase in phrases:
            same.setdefault(phrase, {}).update(dict.fromkeys(other for other in phrases if other != phrase))
    return {phrase: tuple(others) for phrase, others in same.items()}
