"""Reading and changing carts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from uuid import UUID, uuid4

from redis.asyncio import Redis

from core.settings import Settings
from services.carts import scripts
from services.carts.cart import ANSWERED, GONE, Cart, LeftOut, Line, read, refusal, refusal_of_line
from services.carts.owners import Guest, Owner, key_of, marker_of

MAX_UNITS_PER_LINE = 999


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


@dataclass(frozen=True)
class Merged:
    """The user's cart, and what stays in the guest's."""

    cart: Cart
    left_out: list[LeftOut]
    was_replayed: bool


class CartStore:
    """One round trip each. Raises redis errors when Redis is away, CartTokenUnknown for a guest without a cart."""

    def __init__(self, redis: Redis, *, lifetime: timedelta, guest_lifetime: timedelta, max_lines: int) -> None:
        self._redis = redis
        self._lifetime = _milliseconds(lifetime)
        self._guest_lifetime = _milliseconds(guest_lifetime)
        self._max_lines = max_lines
        self._open = redis.register_script(scripts.OPEN)
        self._add = redis.register_script(scripts.ADD)
        self._set = redis.register_script(scripts.SET)
        self._take = redis.register_script(scripts.TAKE)
        self._forget = redis.register_script(scripts.FORGET)
        self._merge = redis.register_script(scripts.MERGE)

    @classmethod
    def from_settings(cls, redis: Redis, settings: Settings) -> Self:
        return cls(
            redis,
            lifetime=settings.cart_lifetime,
            guest_lifetime=settings.guest_cart_lifetime,
            max_lines=settings.max_cart_lines,
        )

    async def open(self, owner: Owner) -> tuple[Cart, bool]:
        """The owner's cart, and whether it was made just now."""
        opened = await self.open_once(owner, None)
        return opened.cart, opened.is_new

    async def open_once(self, owner: Owner, key: str | None) -> Opened:
        """The same for a request with an Idempotency-Key. Raises KeyReused for a key of something else."""
        args: list[str | int] = [_new_id(owner), self._lifetime_of(owner)]
        word, cart = read(await self._open(keys=_keys(owner, key), args=args))
        if cart is None or word not in ANSWERED:
            raise refusal(word, owner)
        return Opened(cart, word.removeprefix("replayed-") == "new", word.startswith("replayed-"))

    async def add(
        self, owner: Owner, line: Line, *, expected: int | None = None, request: KeyedRequest | None = None
    ) -> tuple[Cart, bool]:
        """Add units to a line. The cart, and whether this request was answered before.

        Raises NotFound, OutOfStock, QuantityOutOfRange, CurrencyMismatch, TooManyLines, Stale, KeyReused.
        """
        args: list[str | int] = [
            _new_id(owner), self._lifetime_of(owner), _or_nothing(expected), request.fingerprint if request else "",
            line.sku, line.quantity, *_price(line), line.available, MAX_UNITS_PER_LINE, self._max_lines,
        ]  # fmt: skip
        word, cart = read(await self._add(keys=_keys(owner, request.key if request else None), args=args))
        if cart is None or word not in ANSWERED:
            there = cart.quantities.get(line.sku, 0) if cart else 0
            raise refusal_of_line(word, owner, line, there + line.quantity)
        return cart, word == "replayed"

    async def set_quantity(self, owner: Owner, line: Line, *, expected: int | None = None) -> Cart:
        """Set a line's units; 0 takes it out. Raises NotFound, OutOfStock, CurrencyMismatch, Stale."""
        args: list[str | int] = [
            self._lifetime_of(owner), _or_nothing(expected), line.sku, line.quantity, *_price(line), line.available,
        ]  # fmt: skip
        word, cart = read(await self._set(keys=[key_of(owner)], args=args))
        if cart is None or word not in ANSWERED:
            raise refusal_of_line(word, owner, line, line.quantity)
        return cart

    async def remove(self, owner: Owner, sku: str, *, expected: int | None = None) -> Cart:
        """Take a line out. Raises NotFound, Stale."""
        return await self.set_quantity(owner, Line(sku, 0, None, 0), expected=expected)

    async def merge(
        self, user_id: UUID, guest: Guest, *, expected: int | None = None, request: KeyedRequest | None = None
    ) -> Merged:
        """Move a guest's units into the user's cart. No unit is moved twice, whatever is repeated or runs at once.

        Raises CartTokenUnknown, also where another user took the whole cart; Stale, KeyReused.
        """
        keys = [key_of(user_id), key_of(guest), f"{key_of(guest)}:merged:{user_id}"]
        if request:
            keys.append(marker_of(user_id, request.key))
        args: list[str | int] = [
            _new_id(user_id), self._lifetime, self._guest_lifetime, _or_nothing(expected),
            request.fingerprint if request else "", MAX_UNITS_PER_LINE, self._max_lines,
        ]  # fmt: skip
        word, fields, left = await self._merge(keys=keys, args=args)
        _, cart = read([word, fields])
        if cart is None or word not in ANSWERED:
            raise refusal(word, guest)
        left_out = [LeftOut(left[i], left[i + 1], int(left[i + 2])) for i in range(0, len(left), 3)]
        return Merged(cart, left_out, word == "replayed")

    async def take(self, owner: UUID, cart_id: UUID, order_id: UUID, quantities: Mapping[str, int]) -> int:
        """Take an order's units out of the cart, once per order; the cart's version then, 0 when it is gone."""
        pairs = [part for sku, quantity in quantities.items() for part in (sku, quantity)]
        keys = [key_of(owner), f"{key_of(owner)}:taken:{order_id}"]
        word, cart = read(await self._take(keys=keys, args=[str(cart_id), self._lifetime, *pairs]))
        return 0 if cart is None or word == GONE else cart.version

    async def has_used(self, owner: UUID, key: str) -> bool:
        """Whether this key came with a change of the cart."""
        return bool(await self._redis.exists(marker_of(owner, key)))

    async def delete(self, owner: Owner, *, expected: int | None = None) -> None:
        """Raises Stale. A user without a cart has none afterwards either."""
        word, _ = read(await self._forget(keys=[key_of(owner)], args=[_or_nothing(expected)]))
        if word not in ANSWERED and (word != GONE or isinstance(owner, Guest)):
            raise refusal(word, owner)

    def _lifetime_of(self, owner: Owner) -> int:
        return self._guest_lifetime if isinstance(owner, Guest) else self._lifetime


def _milliseconds(lifetime: timedelta) -> int:
    return int(lifetime.total_seconds() * 1000)


def _keys(owner: Owner, key: str | None) -> list[str]:
    return [key_of(owner)] + ([marker_of(owner, key)] if key else [])


def _new_id(owner: Owner) -> str:
    """Nothing for a guest whose token should have a cart: none is opened then."""
    return "" if isinstance(owner, Guest) and not owner.is_new else str(uuid4())


def _or_nothing(expected: int | None) -> str | int:
    return "" if expected is None else expected


def _price(line: Line) -> tuple[str | int, str]:
    return (line.price.amount, line.price.currency) if line.price else ("", "")
