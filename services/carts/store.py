"""Reading and changing carts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

from domain.errors import (
    CurrencyMismatch,
    Fact,
    KeyReused,
    NotFound,
    OutOfStock,
    QuantityOutOfRange,
    Stale,
    TooManyLines,
)
from services.carts import scripts

MAX_UNITS_PER_LINE = 999


@dataclass(frozen=True)
class Cart:
    """SKUs and units, in the order in which they were added. Prices are looked up on each read."""

    id: UUID
    version: int
    currency: str | None
    quantities: Mapping[str, int]
    expires_at: datetime


@dataclass(frozen=True)
class Addition:
    """One line to add. `available` and `currency` are the SKU's of this moment."""

    sku: str
    quantity: int
    currency: str
    available: int


@dataclass(frozen=True)
class KeyedRequest:
    """An Idempotency-Key and the fingerprint of the body that came with it."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Opened:
    """`is_new` as it was when the request was first answered."""

    cart: Cart
    is_new: bool
    was_replayed: bool


class CartStore:
    """`owner` is the user's id. Raises redis errors when Redis is away."""

    def __init__(self, redis: Redis, *, lifetime: timedelta, max_lines: int) -> None:
        self._redis = redis
        self._lifetime = int(lifetime.total_seconds() * 1000)
        self._max_lines = max_lines
        self._open = redis.register_script(scripts.OPEN)
        self._add = redis.register_script(scripts.ADD)
        self._set = redis.register_script(scripts.SET)
        self._take = redis.register_script(scripts.TAKE)
        self._forget = redis.register_script(scripts.FORGET)

    async def open(self, owner: UUID) -> tuple[Cart, bool]:
        """The owner's cart, and whether it was made just now."""
        opened = await self.open_once(owner, None)
        return opened.cart, opened.is_new

    async def open_once(self, owner: UUID, key: str | None) -> Opened:
        """The same for a request with an Idempotency-Key. Raises KeyReused for a key of something else."""
        keys = [_key(owner)] + ([_marker(owner, key)] if key else [])
        word, cart = _read(await self._open(keys=keys, args=[str(uuid4()), self._lifetime]))
        if word == KeyReused.code:
            raise KeyReused
        return Opened(_present(cart), word.removeprefix("replayed-") == "new", word.startswith("replayed-"))

    async def add(
        self, owner: UUID, line: Addition, *, expected: int | None = None, request: KeyedRequest | None = None
    ) -> tuple[Cart, bool]:
        """Add units to a line. The cart, and whether this request was answered before.

        Raises OutOfStock, QuantityOutOfRange, CurrencyMismatch, TooManyLines, Stale, KeyReused.
        """
        keys = [_key(owner)] + ([_marker(owner, request.key)] if request else [])
        args: list[str | int] = [
            str(uuid4()), self._lifetime, "" if expected is None else expected,
            request.fingerprint if request else "", line.sku, line.quantity, line.currency,
            line.available, MAX_UNITS_PER_LINE, self._max_lines,
        ]  # fmt: skip
        word, cart = _read(await self._add(keys=keys, args=args))
        if word in ("ok", "replayed"):
            return _present(cart), word == "replayed"
        requested = line.quantity + (cart.quantities.get(line.sku, 0) if cart else 0)
        raise _refusal(word, line.sku, requested, line.available)

    async def set_quantity(
        self, owner: UUID, sku: str, quantity: int, available: int, *, expected: int | None = None
    ) -> Cart:
        """Set a line to `quantity` units; 0 removes it. Raises NotFound, OutOfStock, Stale."""
        args: list[str | int] = [self._lifetime, "" if expected is None else expected, sku, quantity, available]
        word, cart = _read(await self._set(keys=[_key(owner)], args=args))
        if word != "ok":
            raise _refusal(word, sku, quantity, available)
        return _present(cart)

    async def take(self, owner: UUID, cart_id: UUID, order_id: UUID, quantities: Mapping[str, int]) -> int:
        """Take an order's units out of the cart, once per order; the cart's version then, 0 when it is gone."""
        pairs = [part for sku, quantity in quantities.items() for part in (sku, quantity)]
        keys = [_key(owner), f"{_key(owner)}:taken:{order_id}"]
        word, cart = _read(await self._take(keys=keys, args=[str(cart_id), self._lifetime, *pairs]))
        return 0 if cart is None or word == "gone" else cart.version

    async def has_used(self, owner: UUID, key: str) -> bool:
        """Whether this key came with a change of the cart."""
        return bool(await self._redis.exists(_marker(owner, key)))

    async def answered(self, owner: UUID, request: KeyedRequest) -> Cart | None:
        """The cart as it stands, where this request was answered before."""
        seen = await self._redis.get(_marker(owner, request.key))
        return (await self.open(owner))[0] if seen == request.fingerprint else None

    async def delete(self, owner: UUID, *, expected: int | None = None) -> None:
        """Raises Stale."""
        word, _ = _read(await self._forget(keys=[_key(owner)], args=["" if expected is None else expected]))
        if word == Stale.code:
            raise Stale


def _key(owner: UUID) -> str:
    return f"cart:{{{owner}}}"


def _marker(owner: UUID, key: str) -> str:
    return f"{_key(owner)}:key:{key}"


def _read(reply: Any) -> tuple[str, Cart | None]:
    word, flat, ttl = reply
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    if "id" not in fields:
        return word, None
    skus = sorted((field[2:] for field in fields if field.startswith("q:")), key=lambda sku: int(fields[f"p:{sku}"]))
    cart = Cart(
        id=UUID(fields["id"]),
        version=int(fields["version"]),
        currency=fields.get("currency"),
        quantities={sku: int(fields[f"q:{sku}"]) for sku in skus},
        expires_at=datetime.now(UTC) + timedelta(milliseconds=ttl),
    )
    return word, cart


def _present(cart: Cart | None) -> Cart:
    if cart is None:
        raise NotFound("There is no cart.")
    return cart


def _refusal(word: str, sku: str, requested: int, available: int) -> Fact:
    if word == OutOfStock.code:
        line = {"sku": sku, "requested": requested, "available": max(available, 0)}
        return OutOfStock(f"Not enough stock of {sku}.", lines=[line])
    if word == NotFound.code:
        return NotFound(f"{sku} is not in the cart.")
    for fact in (QuantityOutOfRange, CurrencyMismatch, TooManyLines, Stale, KeyReused):
        if word == fact.code:
            return fact()
    raise ValueError(f"the cart's script answered {word!r}")
