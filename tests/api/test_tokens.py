"""Access tokens that are not ours, or not any more: 401 with WWW-Authenticate, whoever they claim to speak for."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.tokens import ALGORITHM, AUDIENCE, Tokens
from core.settings import Settings
from domain.permissions import Role
from tests.api.conftest import Caller
from tests.api.shopping import add, check_out, refused
from tests.builders import Shop

USER = "01a20f58-2e4b-741f-8e7d-678eece5d042"


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.token_signing_key.get_secret_value()))


def claims(settings: Settings, **changes: Any) -> dict[str, Any]:
    """Those of a staff member's genuine token; a change to None leaves a claim out."""
    now = datetime.now(UTC)
    genuine = {
        "sub": USER, "role": "staff", "iss": settings.token_issuer, "aud": AUDIENCE,
        "iat": now, "exp": now + timedelta(minutes=5),
    }  # fmt: skip
    return {name: value for name, value in (genuine | changes).items() if value is not None}


def signed(settings: Settings, **changes: Any) -> str:
    return jwt.encode(claims(settings, **changes), signing_key(settings), algorithm=ALGORITHM)


def unsigned(settings: Settings) -> str:
    return jwt.encode(claims(settings), key="", algorithm="none")


def by_another_key(settings: Settings) -> str:
    return jwt.encode(claims(settings), Ed25519PrivateKey.generate(), algorithm=ALGORITHM)


def by_public_key(settings: Settings, secret: Callable[[Ed25519PrivateKey], bytes]) -> str:
    """An HMAC under what everybody may know: accepted where the header is trusted to say the algorithm."""
    now = int(datetime.now(UTC).timestamp())
    parts = [{"alg": "HS256", "typ": "JWT"}, claims(settings, iat=now, exp=now + 300)]
    text = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    return b".".join([text, _base64(hmac.digest(secret(signing_key(settings)), text, sha256))]).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
FORGERIES: dict[str, Callable[[Settings], str]] = {
    "expired": lambda settings: signed(settings, iat=LONG_AGO, exp=LONG_AGO + timedelta(minutes=15)),
    "without an end": lambda settings: signed(settings, exp=None),
    "for another audience": lambda settings: signed(settings, aud="another-api"),
    "for no audience": lambda settings: signed(settings, aud=None),
    "by another issuer": lambda settings: signed(settings, iss="another-shop"),
    "with an unknown role": lambda settings: signed(settings, role="owner"),
    "without a role": lambda settings: signed(settings, role=None),
    "of nobody": lambda settings: signed(settings, sub=None),
    "of no user": lambda settings: signed(settings, sub="everybody"),
    "unsigned": unsigned,
    "signed with another key": by_another_key,
    "HMAC with the raw public key": lambda settings: by_public_key(settings, _raw),
    "HMAC with the public key's PEM": lambda settings: by_public_key(settings, _pem),
    "with its signature cut off": lambda settings: signed(settings).rsplit(".", 1)[0] + ".",
    "no token at all": lambda settings: "garbage",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_token_that_is_not_good_opens_nothing(
    anonymous: Caller, api_settings: Settings, forge: Callable[[Settings], str]
) -> None:
    headers = {"Authorization": f"Bearer {forge(api_settings)}"}
    for path in ("/orders", "/inventory/LAMP", "/auth/me"):
        answer = await anonymous.get(path, headers=headers)
        refused(answer, 401, "not-signed-in")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_genuine_token_made_the_same_way_is_good(anonymous: Caller, api_settings: Settings) -> None:
    answer = await anonymous.get("/orders", headers={"Authorization": f"Bearer {signed(api_settings)}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_an_authorization_that_is_no_bearer_token_is_none(anonymous: Caller, header: str) -> None:
    refused(await anonymous.get("/orders", headers={"Authorization": header}), 401, "not-signed-in")


async def test_a_token_is_good_for_the_lifetime_of_the_settings(anonymous: Caller, api_settings: Settings) -> None:
    over = api_settings.model_copy(update={"access_token_lifetime": timedelta(seconds=-1)})
    for settings, status in ((api_settings, 200), (over, 401)):
        token = Tokens(settings).issue(UUID(USER), Role.CUSTOMER)
        answer = await anonymous.get("/orders", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


async def test_a_good_token_of_an_account_that_is_gone_orders_nothing(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    await shop.rows("DELETE FROM users WHERE id = :id", id=customer.user_id)
    refused(await check_out(customer), 401, "not-signed-in")
