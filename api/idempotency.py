"""The `Idempotency-Key` header."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from domain.errors import KeyMissing

_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{14,253}[\x21-\x7e]")

_DESCRIPTION = "16 to 255 printable characters, one per intention: the same click repeated sends the same key."


def optional_key(
    idempotency_key: Annotated[str | None, Header(description=_DESCRIPTION)] = None,
) -> str | None:
    """Raises KeyMissing for a key that is too short, too long, or not printable."""
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise KeyMissing
    return idempotency_key


def required_key(key: Annotated[str | None, Depends(optional_key)]) -> str:
    if key is None:
        raise KeyMissing
    return key


KeyDep = Annotated[str, Depends(required_key)]
OptionalKeyDep = Annotated[str | None, Depends(optional_key)]


def mark_replayed(request: Request) -> None:
    """The answer, whatever it becomes, says `Idempotent-Replayed: true`."""
    request.scope["state"]["replayed"] = True
