"""Carts live in Redis, one hash each; every change is one atomic script and one round trip."""

from services.carts.cart import Cart, LeftOut, Line, cart_of
from services.carts.owners import Guest, Owner, key_of
from services.carts.store import CartStore, KeyedRequest

__all__ = ["Cart", "CartStore", "Guest", "KeyedRequest", "LeftOut", "Line", "Owner", "cart_of", "key_of"]
