"""Temporal's page tokens as cursors: it takes whatever it is given, so they are sealed."""

import base64
import binascii
import hmac
from hashlib import sha256

from pydantic import SecretStr

from domain.errors import InvalidCursor

SEAL = 16
"""Bytes."""


def seal(secret: SecretStr, of: str, token: bytes | None) -> str | None:
    """`of` names the list: its cursors are no other's."""
    if token is None:
        return None
    return base64.urlsafe_b64encode(_mark(secret, of, token) + token).decode().rstrip("=")


def unseal(secret: SecretStr, of: str, cursor: str | None) -> bytes | None:
    """Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidCursor from error
    mark, token = sealed[:SEAL], sealed[SEAL:]
    if not hmac.compare_digest(mark, _mark(secret, of, token)):
        raise InvalidCursor
    return token


def _mark(secret: SecretStr, of: str, token: bytes) -> bytes:
    return hmac.digest(secret.get_secret_value().encode(), of.encode() + b"\0" + token, sha256)[:SEAL]
