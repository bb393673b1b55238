"""Asking the index: a search becomes a plan for one script. What was typed goes in as parameters, never as syntax."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from domain.search import Sort, Wanted
from domain.search_cursor import Mark, fingerprint
from domain.search_tiers import Clause, Match, Phrase, Term, Tier, tiers, units
from services.search.documents import token
from services.search.found import MOST_FACETS, Found, facets_of
from services.search.index import ALIAS, LIVE, state_of
from services.search.script import SEARCH, SUGGEST
from services.search.synonyms import read_table

PATIENCE = 1.0
"""Seconds that a search waits for Redis before Postgres is asked."""

KEEP_FACETS = 300
"""Seconds that counts are kept. They are used while the index is as it was when they were made."""

MANY = 5000
"""Products found, above which counting holds Redis up for some hundredths of a second."""
MANY_KEPT = 5
"""Seconds that such counts serve, whatever has changed: an import would have them made anew with every batch."""

FEW = 4000
"""Products found, up to which all are ordered for a page: in less than a millisecond."""
SAMPLED = 500
KEEP_SAMPLE = 300
"""Seconds. A sample that has grown old makes windows too small or too large, not answers wrong."""

MOST_SUGGESTIONS = 10
LOOKED_AT = 100
"""Products looked at for suggestions: several may have one name."""


@dataclass(frozen=True)
class Order:
    """By the field `number`, then by the text in `key`.

    A reversed order counts down: its field holds the negative of the number that a cursor has.
    """

    number: str
    key: str
    is_reversed: bool = False

    def turned(self, number: int) -> int:
        return -number if self.is_reversed else number


ORDERS = {
    Sort.RELEVANCE: Order("newest", "id", is_reversed=True),
    Sort.NEWEST: Order("newest", "id", is_reversed=True),
    Sort.PRICE: Order("price", "id"),
    Sort.DEAREST: Order("dearest", "id", is_reversed=True),
    Sort.NAME: Order("name_number", "name_key"),
}


class SearchAbsent(Exception):
    """There is no index, or it is not whole yet."""


class SearchIndex:
    """Raises SearchAbsent, and what redis-py raises: the database can be asked instead."""

    def __init__(self, redis: Redis, *, few: int = FEW) -> None:
        self._few = few
        self._find = redis.register_script(SEARCH)
        self._suggest = redis.register_script(SUGGEST)
        self._version = ""
        self._synonyms: dict[Phrase, tuple[Phrase, ...]] = {}

    async def find(self, wanted: Wanted, sort: Sort, after: Mark | None, limit: int, *, with_facets: bool) -> Found:
        """One round trip; two at the first search after the synonyms have changed."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._ask(self._find, self._plan(wanted, sort, after, limit, with_facets))
            while answer[0] == "synonyms":
                self._version, self._synonyms = answer[1], read_table(answer[2])
                answer = await self._ask(self._find, self._plan(wanted, sort, after, limit, with_facets))
        _, total, bodies, last, facets = answer
        order = ORDERS[sort]
        return Found(
            bodies=[body.encode() for body in bodies],
            total=total,
            last=Mark(int(last[0]), order.turned(int(last[1])), last[2]) if last else None,
            facets=facets_of(json.loads(facets)) if with_facets else None,
        )

    async def suggest(self, words: list[str]) -> list[tuple[str, str]]:
        """(name, slug) of products in whose names a word begins with each of these."""
        query = " ".join(f"@name_starts:{{$w{at}}}" for at in range(len(words)))
        plan = {"live": LIVE, "index": ALIAS, "query": query, "params": _numbered(words), "want": LOOKED_AT}
        async with asyncio.timeout(PATIENCE):
            _, found = await self._ask(self._suggest, plan)
        return [(name, slug) for name, slug in found]

    async def _ask(self, script: Any, plan: dict[str, Any]) -> Any:
        answer = await script(args=[json.dumps(plan)])
        if answer[0] == "absent":
            raise SearchAbsent
        return answer

    def _plan(self, wanted: Wanted, sort: Sort, after: Mark | None, limit: int, with_facets: bool) -> dict[str, Any]:
        order = ORDERS[sort]
        query = Query(wanted)
        found = tiers(units(wanted.words, self._synonyms)) if wanted.words else []
        everything = query.of(found[-1]) if found else query.filters
        ranked = [query.of(tier, but=found[at - 1] if at else None) for at, tier in enumerate(found)]
        plan: dict[str, Any] = {
            "live": LIVE,
            "index": ALIAS,
            "state": state_of(""),
            "synonyms": self._version,
            "params": query.parameters,
            "tiers": ranked if sort is Sort.RELEVANCE and found else [everything],
            "all": everything,
            "number": order.number,
            "key": order.key,
            "keys": "DESC" if order.is_reversed else "ASC",
            "want": limit + 1,
            "few": self._few,
            "sampled": SAMPLED,
            "keep_sample": KEEP_SAMPLE,
            "facets": with_facets,
            "fingerprint": fingerprint(wanted),
            "most_facets": MOST_FACETS,
            "keep_facets": KEEP_FACETS,
            "many": MANY,
            "patience": MANY_KEPT,
        }
        if after is not None:
            plan["after"] = {"tier": after.tier, "number": str(order.turned(after.number)), "key": after.key}
        return plan


class Query:
    """Renders in RediSearch's language; `parameters` are names and values by turns."""

    def __init__(self, wanted: Wanted) -> None:
        self.parameters: list[str] = []
        self._names: dict[str, str] = {}
        self.filters = " ".join(self._filters(wanted))

    def of(self, tier: Tier, but: Tier | None = None) -> str:
        """What is in this tier, filtered, and not in the other."""
        less = f" -({self._all(but)})" if but is not None else ""
        return f"{self.filters} {self._all(tier)}{less}".strip()

    def _filters(self, wanted: Wanted) -> Iterable[str]:
        named = {"category": wanted.category, "brand": wanted.brand}
        for kind, value in named.items():
            if value is not None:
                yield self._facet(token(kind, value))
        if wanted.in_stock is not None:
            yield self._facet(token("in_stock", "true" if wanted.in_stock else "false"))
        for name, values in wanted.by_attribute.items():
            yield self._facet(*(token("attribute", name, value) for value in values))
        if wanted.price_min is not None or wanted.price_max is not None:
            high = "+inf" if wanted.price_max is None else wanted.price_max
            yield f"@price:[{wanted.price_min or 0} {high}]"

    def _facet(self, *tokens: str) -> str:
        return f"@facets:{{{' | '.join(self._parameter(one) for one in tokens)}}}"

    def _all(self, tier: Tier) -> str:
        return " ".join(self._any(clause) for clause in tier)

    def _any(self, clause: Clause) -> str:
        options = [" ".join(self._term(term) for term in option) for option in clause]
        return f"({' | '.join(f'({option})' for option in options)})"

    def _term(self, term: Term) -> str:
        word = self._parameter(term.word)
        match term.match:
            case Match.NAME:
                return f"@name:({word})"
            case Match.TITLE:
                return f"@name|brand:({word})"
            case Match.ANYWHERE:
                return f"@name|brand|description:({word})"
            case Match.START:
                return f"(@name_starts:{{{word}}} | @brand_starts:{{{word}}})"
            case Match.TYPO:
                percents = "%" * term.typos
                return f"@name|brand:({percents}{word}{percents})"

    def _parameter(self, value: str) -> str:
        if value not in self._names:
            self._names[value] = f"w{len(self._names)}"
            self.parameters += [self._names[value], value]
        return f"${self._names[value]}"


def _numbered(words: list[str]) -> list[str]:
    return [part for at, word in enumerate(words) for part in (f"w{at}", word)]
