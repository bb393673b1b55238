"""The `Idempotency-Key` header."""

import re
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Depends, Header, Request

from api.dependencies import PersonOrMachineDep, Resources, ResourcesDep
from domain.errors import KeyMissing, KeyReused
from services.idempotency import KeyedRequest
from services.orders.requesting import fingerprint_of

_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{14,253}[\x21-\x7e]")

_DESCRIPTION = "16 to 255 printable characters, one per intention: the same click repeated sends the same key."


async def optional_key(
    idempotency_key: Annotated[str | None, Header(description=_DESCRIPTION)] = None,
) -> str | None:
    """Raises KeyMissing for a key that is too short, too long, or not printable."""
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise KeyMissing
    return idempotency_key


async def required_key(key: Annotated[str | None, Depends(optional_key)]) -> str:
    if key is None:
        raise KeyMissing
    return key


async def refuse_keys_of_the_cart(resources: Resources, user_id: UUID, key: str | None) -> None:
    """A caller's keys have one scope, and those of carts are kept elsewhere than all others. Raises KeyReused."""
    if key is not None and await resources.carts.has_used(user_id, key):
        raise KeyReused


async def keyed_request(
    request: Request,
    resources: ResourcesDep,
    caller: PersonOrMachineDep,
    key: Annotated[str | None, Depends(optional_key)],
) -> KeyedRequest | None:
    """The key with a fingerprint of method, path and body, for `services.idempotency.once`; None without a key.

    Raises KeyReused for a key that came with a change of the cart.
    """
    if key is None:
        return None
    await refuse_keys_of_the_cart(resources, caller.id, key)
    path = re.sub(r"^/api(/v1)?", "", request.url.path)
    content = await request.body()
    try:
        body = orjson.loads(content or b"null")
    except orjson.JSONDecodeError:
        body = sha256(content).hexdigest()  # a file, or what the route refuses
    return KeyedRequest(caller.id, key, fingerprint_of({"method": request.method, "path": path, "body": body}))


async def required_keyed_request(
    keyed: Annotated[KeyedRequest | None, Depends(keyed_request)], _: Annotated[str, Depends(required_key)]
) -> KeyedRequest:
    if keyed is None:
        raise KeyMissing
    return keyed


KeyedDep = Annotated[KeyedRequest | None, Depends(keyed_request)]
RequiredKeyedDep = Annotated[KeyedRequest, Depends(required_keyed_request)]
KeyDep = Annotated[str, Depends(required_key)]
OptionalKeyDep = Annotated[str | None, Depends(optional_key)]


def mark_replayed(request: Request) -> None:
    """The answer, whatever it becomes, says `Idempotent-Replayed: true`."""
    request.scope["state"]["replayed"] = True
