"""Whose cart a request is about: the caller's own, or that of a guest who sends a cart's token."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request

from api.dependencies import OptionalCallerDep, ResourcesDep, get_caller
from api.gate import PATIENCE, PassedDep
from api.idempotency import OptionalKeyDep
from api.tokens import Caller
from core.redis import REDIS_AWAY
from domain.errors import CartTokenUnknown, NotSignedIn
from services import idempotency
from services.carts import Cart, CartStore, Guest, Owner, cart_of, key_of
from services.idempotency import Use

HEADER = "X-Cart-Token"

log = structlog.get_logger()


@dataclass(frozen=True)
class Shopper:
    """`token` is a guest's, and goes back in the cart's body."""

    owner: Owner
    token: str | None = None


CartTokenHeader = Annotated[str | None, Header(alias=HEADER, description="A guest's `cart_token`.")]


async def get_shopper(request: Request, caller: OptionalCallerDep, token: CartTokenHeader = None) -> Shopper:
    """A signed-in caller's own cart wins over a cart's token. A guest without one gets one, which opens a cart.

    Nobody becomes a guest by mistake: raises NotSignedIn for any Authorization that is no good access token.
    """
    if caller is not None:
        return Shopper((await get_caller(caller)).id)
    if "Authorization" in request.headers:
        raise NotSignedIn
    if token:
        return Shopper(Guest.of(token), token)
    token, guest = Guest.draw()
    return Shopper(guest, token)


ShopperDep = Annotated[Shopper, Depends(get_shopper)]


async def get_returning_shopper(shopper: ShopperDep) -> Shopper:
    """For what opens no cart. Raises CartTokenUnknown for a guest without a token."""
    if isinstance(shopper.owner, Guest) and shopper.owner.is_new:
        raise CartTokenUnknown(f"Send the {HEADER} of a cart, or open one.")
    return shopper


ReturningShopperDep = Annotated[Shopper, Depends(get_returning_shopper)]


def for_the_cart(request: Request, caller: Caller | None) -> Sequence[str] | None:
    """What the gate asks Redis beside its own questions: the cart as it lies, so that one query can price all of it."""
    token = request.headers.get(HEADER)
    owner = caller.id if caller else Guest.of(token) if token else None
    return ("HGETALL", key_of(owner)) if owner else None


async def get_cart_seen(passed: PassedDep) -> Cart | None:
    """The cart as it was when the request came in; None where there is none, or Redis did not answer."""
    return cart_of(passed.reply or {})


CartSeenDep = Annotated[Cart | None, Depends(get_cart_seen)]


async def get_cart_key(shopper: ShopperDep, resources: ResourcesDep, key: OptionalKeyDep) -> str | None:
    """The Idempotency-Key of a change of the cart. Raises KeyReused for one that a user sent with something else."""
    if key is not None and isinstance(shopper.owner, UUID):
        async with resources.database.reading() as session:
            await idempotency.require_unused(session, shopper.owner, key, but=Use.CART)
    return key


CartKeyDep = Annotated[str | None, Depends(get_cart_key)]


async def bring_cart(carts: CartStore, user_id: UUID, token: str | None) -> None:
    """At a sign-in, which an unknown token or a Redis that is away does not stop.

    Whatever is not moved now lies where it was, for `POST /carts/merge`.
    """
    if not token:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await carts.merge(user_id, Guest.of(token))
    except CartTokenUnknown:
        return
    except REDIS_AWAY as error:
        log.warning("cart.not_brought", error=type(error).__name__)
