"""Access tokens: EdDSA JWTs, signed with the key of the settings."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.settings import Settings
from domain.errors import NotSignedIn
from domain.permissions import Permission, Role

ALGORITHM = "EdDSA"
AUDIENCE = "tillwright-api"


@dataclass(frozen=True)
class Caller:
    """Who sent the request, as the token says."""

    id: UUID
    role: Role
    session_id: UUID | None = None
    scopes: frozenset[Permission] = frozenset()

    def may(self, permission: Permission) -> bool:
        """By the role; a machine by the scopes of its key."""
        return permission in self.role.permissions or permission in self.scopes


class Tokens:
    """Issues and reads access tokens of one signing key."""

    def __init__(self, settings: Settings) -> None:
        seed = base64.b64decode(settings.token_signing_key.get_secret_value())
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        self._key_id = sha256(self._public.public_bytes_raw()).hexdigest()[:16]
        self._issuer = settings.token_issuer
        self.lifetime = settings.access_token_lifetime

    def issue(self, user_id: UUID, role: Role) -> str:
        now = datetime.now(UTC)
        claims = {
            "sub": str(user_id),
            "role": role.value,
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.lifetime,
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> Caller:
        """Raises NotSignedIn for a token that is forged, expired, or of another issuer or audience."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["sub", "role", "iss", "aud", "iat", "exp"]},
            )
            return Caller(UUID(claims["sub"]), Role(claims["role"]))
        except (jwt.PyJWTError, ValueError) as error:
            raise NotSignedIn("The access token is not valid or has expired: sign in again.") from error
