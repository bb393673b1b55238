"""What a search found, whichever engine was asked."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from domain.search_cursor import Mark
from services.search.documents import price_band, said_by

MOST_FACETS = 1000
"""Values counted at all, the most frequent ones."""
MOST_VALUES = 50
"""Values shown of one facet."""
MOST_ATTRIBUTES = 30
"""Attributes shown, those that most of what was found has."""

Counted = tuple[str, int]
"""A value and how many of the products found have it."""


@dataclass
class Facets:
    """Values by how many of what was found have them, bands of prices from the lowest on."""

    category: list[Counted] = field(default_factory=list)
    brand: list[Counted] = field(default_factory=list)
    price: list[tuple[int, int, int]] = field(default_factory=list)
    """(from, to, count): both ends in minor units and included."""
    in_stock: list[Counted] = field(default_factory=list)
    attributes: dict[str, list[Counted]] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {
            "category": _shown(self.category),
            "brand": _shown(self.brand),
            "price": [{"from": low, "to": high, "count": count} for low, high, count in self.price],
            "in_stock": [{"value": value == "true", "count": count} for value, count in self.in_stock],
            "attributes": {name: _shown(values) for name, values in self.attributes.items()},
        }


@dataclass
class Found:
    """`last` is where the next page begins, None on the last one; `facets` None where nobody asked for them."""

    bodies: list[bytes]
    total: int
    last: Mark | None
    facets: Facets | None


def facets_of(counts: Iterable[tuple[str, int]]) -> Facets:
    """Of tokens (services/search/documents.py) and their counts."""
    facets, attributes = Facets(), defaultdict[str, list[Counted]](list)
    for token, count in sorted(counts, key=lambda counted: (-counted[1], counted[0])):
        kind, *said = said_by(token)
        if kind == "price":
            facets.price.append((*price_band(int(said[0])), count))
        elif kind == "attribute":
            attributes[said[0]].append((said[1], count))
        else:
            getattr(facets, kind).append((said[0], count))
    facets.price.sort()
    for values in (facets.category, facets.brand, *attributes.values()):
        del values[MOST_VALUES:]
    by_reach = sorted(attributes.items(), key=lambda named: (-sum(count for _, count in named[1]), named[0]))
    facets.attributes = dict(by_reach[:MOST_ATTRIBUTES])
    return facets


def _shown(counted: Iterable[Counted]) -> list[dict[str, Any]]:
    return [{"value": value, "count": count} for value, count in counted]
