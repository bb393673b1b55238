"""Whose a cart is: a user's, or that of a guest who is known by a token alone."""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from uuid import UUID


@dataclass(frozen=True)
class Guest:
    """The SHA-256 of a guest's token: whoever reads Redis, or a dump of it, learns no token.

    `is_new`: the token was drawn for this very request. Only then is a cart opened; with any other token there is
    a cart, or the token is unknown.
    """

    digest: str
    is_new: bool = False

    @classmethod
    def of(cls, token: str) -> Self:
        """Any text will do: one that we never gave out has no cart."""
        return cls(_digest(token))

    @classmethod
    def draw(cls) -> tuple[str, Self]:
        """A token of 256 random bits, and the guest who is to have it."""
        token = secrets.token_urlsafe(32)
        return token, cls(_digest(token), is_new=True)

    def __str__(self) -> str:
        return f"guest:{self.digest}"


Owner = UUID | Guest


def key_of(owner: Owner) -> str:
    """Where the cart lies in Redis."""
    whose = str(owner) if isinstance(owner, Guest) else f"user:{owner}"
    return f"cart:{{{whose}}}"


def marker_of(owner: Owner, key: str) -> str:
    """Where an Idempotency-Key is remembered that came with a change of the cart."""
    return f"{key_of(owner)}:key:{key}"


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
