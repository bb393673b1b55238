"""Access tokens that are not ours, or not any more: 401 with WWW-Authenticate, whoever they claim to speak for."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from api.tokens import ALGORITHM, AUDIENCE, Tokens
from core.settings import Settings
from domain.errors import NotSignedIn
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
        "iat": now, "exp": now + timedelta(minutes=5), "jti": uuid4().hex, "sid": str(uuid4()),
    }  # fmt: skip
    return {name: value for name, value in (genuine | changes).items() if value is not None}


def headers(settings: Settings) -> dict[str, str]:
    return {"kid": key_id(signing_key(settings))}


def key_id(key: Ed25519PrivateKey) -> str:
    return sha256(_raw(key)).hexdigest()[:16]


def signed(settings: Settings, **changes: Any) -> str:
    return jwt.encode(
        claims(settings, **changes), signing_key(settings), algorithm=ALGORITHM, headers=headers(settings)
    )


def unsigned(settings: Settings) -> str:
    return jwt.encode(claims(settings), key="", algorithm="none", headers=headers(settings))


def by_another_key(settings: Settings) -> str:
    """Under the name of ours."""
    return jwt.encode(claims(settings), Ed25519PrivateKey.generate(), algorithm=ALGORITHM, headers=headers(settings))


def named(settings: Settings, kid: Any) -> str:
    """Signed well, and its key named so."""
    return jwt.encode(claims(settings), signing_key(settings), algorithm=ALGORITHM, headers={"kid": kid})


def by_their_own_key(settings: Settings) -> str:
    """RFC 7515 has a header for the key itself: whoever believes it believes everybody."""
    key = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": _base64(_raw(key)).decode()}
    told = headers(settings) | {"jwk": jwk}
    return jwt.encode(claims(settings), key, algorithm=ALGORITHM, headers=told)


def by_public_key(settings: Settings, secret: Callable[[Ed25519PrivateKey], bytes]) -> str:
    """An HMAC under what everybody may know: accepted where the header is trusted to say the algorithm."""
    now = int(datetime.now(UTC).timestamp())
    parts = [{"alg": "HS256", "typ": "JWT", **headers(settings)}, claims(settings, iat=now, exp=now + 300)]
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
    "without a session": lambda settings: signed(settings, sid=None),
    "of no session": lambda settings: signed(settings, sid="this one"),
    "without an id": lambda settings: signed(settings, jti=None),
    "without a time of issue": lambda settings: signed(settings, iat=None),
    "without an issuer": lambda settings: signed(settings, iss=None),
    "without a name of its key": lambda settings: jwt.encode(claims(settings), signing_key(settings), ALGORITHM),
    "with a key that nobody knows": lambda settings: named(settings, "0" * 16),
    "with a key that is a path": lambda settings: named(settings, "../../dev/null"),
    "that brings its own key": by_their_own_key,
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
        token = Tokens(settings).issue(UUID(USER), Role.CUSTOMER, uuid4())
        answer = await anonymous.get("/orders", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


async def test_a_good_token_of_an_account_that_is_gone_orders_nothing(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    await shop.rows("DELETE FROM users WHERE id = :id", id=customer.user_id)
    refused(await check_out(customer), 401, "not-signed-in")


async def key_set(anonymous: Caller) -> dict[str, Any]:
    answer = await anonymous.get("http://shop.test/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    keys: dict[str, Any] = answer.json()
    return keys


async def test_anybody_can_verify_our_tokens_with_the_published_keys(anonymous: Caller, customer: Caller) -> None:
    token = customer.headers["Authorization"].removeprefix("Bearer ")
    kid = jwt.get_unverified_header(token)["kid"]
    (key,) = [key for key in (await key_set(anonymous))["keys"] if key["kid"] == kid]
    assert set(key) == {"kty", "crv", "use", "alg", "kid", "x"}, "nothing private"
    verified = jwt.decode(token, jwt.PyJWK(key).key, algorithms=[ALGORITHM], audience=AUDIENCE)
    assert verified["sub"] == str(customer.user_id)


def rotated(settings: Settings, *retired: str) -> Settings:
    """With a new key that signs."""
    seed = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    return settings.model_copy(update={"token_signing_key": SecretStr(seed), "token_retired_keys": retired})


def test_a_retired_key_still_verifies_and_a_forgotten_one_does_not(settings: Settings) -> None:
    before = Tokens(settings)
    old = before.issue(UUID(USER), Role.CUSTOMER, uuid4())
    (published,) = before.key_set()["keys"]
    after = Tokens(rotated(settings, published["x"]))
    assert after.read(old).id == UUID(USER)
    assert after.read(after.issue(UUID(USER), Role.CUSTOMER, uuid4())).id == UUID(USER)
    assert [key["kid"] for key in after.key_set()["keys"]][1:] == [published["kid"]]
    with pytest.raises(NotSignedIn):
        Tokens(rotated(settings)).read(old)


def test_the_next_key_verifies_before_it_signs(settings: Settings) -> None:
    """Processes get their settings one after the other: each knows the key before the first of them signs with it."""
    coming = rotated(settings)
    x = Tokens(coming).key_set()["keys"][0]["x"]
    still_old = Tokens(settings.model_copy(update={"token_retired_keys": (x,)}))
    assert still_old.read(Tokens(coming).issue(UUID(USER), Role.CUSTOMER, uuid4())).id == UUID(USER)


@pytest.mark.parametrize("key", ["", "short", "x" * 44, "+" * 43, "dGlsbHdyaWdodC1sb2NhbC1zaWduaW5nLWtleS0zMmI="])
def test_a_retired_key_that_is_none_is_told_at_the_start(settings: Settings, key: str) -> None:
    with pytest.raises(ValueError, match="token_retired_keys"):
        Settings(token_retired_keys=(key,))
