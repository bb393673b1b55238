"""Carts live in Redis, one hash each; every change is one atomic script and one round trip."""

from services.carts.store import Cart, CartStore

__all__ = ["Cart", "CartStore"]
