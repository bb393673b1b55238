"""A cart as Redis answers it, and the refusals of its scripts as facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.errors import (
    CartTokenUnknown,
    CurrencyMismatch,
    Fact,
    KeyReused,
    NotFound,
    OutOfStock,
    QuantityOutOfRange,
    Stale,
    TooManyLines,
)
from domain.money import Money
from services.carts.owners import Guest, Owner

GONE = "gone"
"""The word for a cart that is not there and may not be opened."""

ANSWERED = {"ok", "new", "there", "replayed", "replayed-new", "replayed-there"}
"""The words of a script that refused nothing."""


@dataclass(frozen=True)
class Cart:
    """SKUs and units, in the order in which they were added. What a SKU costs is looked up on each read.

    `prices_seen`: in minor units of `currency`, what a SKU cost when its line was last set.
    """

    id: UUID
    version: int
    currency: str | None
    quantities: Mapping[str, int]
    prices_seen: Mapping[str, int]
    expires_at: datetime


@dataclass(frozen=True)
class Line:
    """Units of a SKU. `price` and `available` are the SKU's of this moment; one that is not sold has no price."""

    sku: str
    quantity: int
    price: Money | None
    available: int


@dataclass(frozen=True)
class LeftOut:
    """Units that a merge left in the guest's cart. `why`: the code of the fact that adding them would raise."""

    sku: str
    why: str
    quantity: int


def cart_of(fields: Mapping[str, str]) -> Cart | None:
    """None for a cart that is not there, whose hash is empty."""
    if not fields:
        return None
    skus = sorted((field[2:] for field in fields if field.startswith("q:")), key=lambda sku: int(fields[f"p:{sku}"]))
    return Cart(
        id=UUID(fields["id"]),
        version=int(fields["version"]),
        currency=fields.get("currency"),
        quantities={sku: int(fields[f"q:{sku}"]) for sku in skus},
        prices_seen={sku: int(fields[f"u:{sku}"]) for sku in skus},
        expires_at=datetime.fromtimestamp(int(fields["expires"]) / 1000, UTC),
    )


def read(reply: Sequence[Any]) -> tuple[str, Cart | None]:
    """A script's word, and the cart as it stands then."""
    word, flat = reply
    return word, cart_of(dict(zip(flat[::2], flat[1::2], strict=True)))


def refusal(word: str, owner: Owner) -> Fact:
    """What is wrong with the request as a whole."""
    if word == GONE and isinstance(owner, Guest):
        return CartTokenUnknown("The token is unknown, or its cart ran out or was merged: open another without it.")
    for fact in (QuantityOutOfRange, CurrencyMismatch, TooManyLines, Stale, KeyReused):
        if word == fact.code:
            return fact()
    raise ValueError(f"the cart's script answered {word!r}")


def refusal_of_line(word: str, owner: Owner, line: Line, requested: int) -> Fact:
    """What is wrong with the request, which may be its line. `requested`: the units that the line would have."""
    if word == OutOfStock.code:
        short = {"sku": line.sku, "requested": requested, "available": max(line.available, 0)}
        return OutOfStock(f"Not enough stock of {line.sku}.", lines=[short])
    if word == NotFound.code or (word == GONE and not isinstance(owner, Guest)):
        return NotFound(f"{line.sku} is not sold, or not in the cart.")
    return refusal(word, owner)
