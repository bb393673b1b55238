"""Opening an account, signing in, and what is done by mail."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, EmailStr, Field, SecretStr, validate_email

from api.schemas.addresses import e164
from api.schemas.common import Body, Text
from services.passwords import SHORTEST

Phone = Annotated[str, Field(max_length=32, examples=["+14155552671"]), AfterValidator(e164)]
Password = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=256, examples=["correct horse battery"])]


class Registration(Body):
    email: Annotated[EmailStr, Field(examples=["ada@example.com"])]
    password: Password
    full_name: Annotated[Text, Field(max_length=200, examples=["Ada Shopper"])]
    phone: Phone | None = None


class Registered(Body):
    """The same whether the address was new or known."""

    email: str
    full_name: str


def _as_registered(value: str) -> str:
    """An address that can be written in several ways, as `EmailStr` keeps it. What is no address has no account."""
    try:
        _, address = validate_email(value)
    except ValueError:
        return value
    return address


class Credentials(Body):
    email: Annotated[str, Field(max_length=254, examples=["customer@example.com"]), AfterValidator(_as_registered)]
    password: Annotated[SecretStr, Field(max_length=256, examples=["demo-password-1"])]


class Session(Body):
    """`expires_in` in seconds, of the access token. A refresh token is good for one use."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 — RFC 6750's word
    expires_in: int
    refresh_token: str


class Refresh(Body):
    refresh_token: Annotated[str, Field(max_length=256, examples=["l0cVNqbzpZ1mCBiZ5cW2uR7r0Yv4h9kXo3sD8fGjT6A"])]


class Me(Body):
    id: str
    email: str
    full_name: str
    phone: str | None
    role: str
    email_verified: bool


class PasswordChange(Body):
    current_password: Annotated[SecretStr, Field(max_length=256, examples=["demo-password-1"])]
    new_password: Password


class ResetRequest(Body):
    email: Annotated[EmailStr, Field(examples=["ada@example.com"])]


class ResetRequested(Body):
    """The same whether the address is known or not."""

    email: str


MailToken = Annotated[str, Field(max_length=256, examples=["Jf3w0lqk5nE1hZ8yR2vT7cXb9mD4sPa6gUoKiQeYtWs"])]


class PasswordReset(Body):
    token: MailToken
    new_password: Password


class Verification(Body):
    token: MailToken


class PublicKey(BaseModel):
    """RFC 8037. `x` is what TILLWRIGHT_TOKEN_RETIRED_KEYS takes."""

    kty: str = Field(examples=["OKP"])
    crv: str = Field(examples=["Ed25519"])
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["EdDSA"])
    kid: str = Field(examples=["3c1e5a0b9d7f2468"])
    x: str = Field(examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])


class KeySet(BaseModel):
    keys: list[PublicKey]
