"""Registering and signing in."""

from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, EmailStr, Field, SecretStr

from api.schemas.common import Body, Text


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise ValueError("a phone number starts with + and its country code, such as +14155552671") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("this is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Phone = Annotated[str, Field(max_length=32, examples=["+14155552671"]), AfterValidator(_phone)]
Password = Annotated[SecretStr, Field(min_length=10, max_length=256, examples=["correct horse battery"])]


class Registration(Body):
    email: Annotated[EmailStr, Field(examples=["ada@example.com"])]
    password: Password
    full_name: Annotated[Text, Field(max_length=200, examples=["Ada Shopper"])]
    phone: Phone | None = None


class Registered(Body):
    """The same whether the address was new or known."""

    email: str
    full_name: str


class Credentials(Body):
    email: Annotated[str, Field(max_length=254, examples=["customer@example.com"])]
    password: Annotated[SecretStr, Field(max_length=256, examples=["demo-password-1"])]


class Session(Body):
    """`expires_in` in seconds."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 — RFC 6750's word
    expires_in: int


class Me(Body):
    id: str
    email: str
    full_name: str
    phone: str | None
    role: str
