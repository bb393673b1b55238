"""Access tokens: EdDSA JWTs, signed with the key of the settings and read with that one and the retired ones."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.settings import Settings
from domain.errors import NotSignedIn
from domain.permissions import Permission, Role

ALGORITHM = "EdDSA"
AUDIENCE = "tillwright-api"
CLAIMS = ("sub", "role", "iss", "aud", "iat", "exp", "jti", "sid")


@dataclass(frozen=True)
class Caller:
    """Who sent the request, as the token says; a machine's key has neither a session nor an end that it tells of."""

    id: UUID
    role: Role
    session_id: UUID | None = None
    scopes: frozenset[Permission] = frozenset()
    expires_at: datetime | None = None

    def may(self, permission: Permission) -> bool:
        """By the role; a machine by the scopes of its key."""
        return permission in self.role.permissions or permission in self.scopes


class Tokens:
    """Issues tokens of one key, which each token names by its `kid`, and reads those of every key that is published."""

    def __init__(self, settings: Settings) -> None:
        seed = base64.b64decode(settings.token_signing_key.get_secret_value())
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = [self._private.public_key(), *(_public_key(x) for x in settings.token_retired_keys)]
        self._keys = {_key_id(key): key for key in public}
        self._issuer = settings.token_issuer
        self.lifetime = settings.access_token_lifetime

    def issue(self, user_id: UUID, role: Role, session_id: UUID) -> str:
        now = datetime.now(UTC)
        claims = {
            "sub": str(user_id),
            "role": role.value,
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": uuid4().hex,
            "sid": str(session_id),
        }
        headers = {"kid": _key_id(self._private.public_key())}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers=headers)

    def read(self, token: str) -> Caller:
        """Raises NotSignedIn for a token that is forged, expired, incomplete, or of another issuer or audience."""
        try:
            claims = jwt.decode(
                token,
                self._keys[jwt.get_unverified_header(token)["kid"]],
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # `iat` is there and not compared: the clock of the machine that issued it may be a moment ahead.
                options={"require": list(CLAIMS), "verify_iat": False},
            )
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
            return Caller(UUID(claims["sub"]), Role(claims["role"]), UUID(claims["sid"]), expires_at=expires_at)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotSignedIn("The access token is not valid or has expired: sign in again.") from error

    def key_set(self) -> dict[str, list[dict[str, Any]]]:
        """What others verify our tokens with (RFC 7517, RFC 8037)."""
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key_id, "x": _x(key)}
                for key_id, key in self._keys.items()
            ]
        }


def _key_id(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def _x(key: Ed25519PublicKey) -> str:
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def _public_key(x: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(f"{x}="))
