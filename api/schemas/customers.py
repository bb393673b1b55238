"""People: what they say of themselves, their address book, what is held about them, and how staff see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import pycountry
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, field_validator

from api.schemas.accounts import Phone
from api.schemas.addresses import EXAMPLE_ADDRESS, AddressBody
from api.schemas.common import Body, Currency, Page, Text
from api.schemas.notifications import NotificationView
from api.schemas.orders import EventView, OrderView
from api.schemas.payments import PaymentView, RefundView
from api.schemas.returns import ReturnView
from domain.permissions import Role
from models.accounts import User
from models.customers import Address, Preferences
from services.customers.listing import Standing, standing_of

_LANGUAGES = frozenset(language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2"))


class ProfileView(BaseModel):
    id: UUID
    email: str
    full_name: str
    phone: str | None
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "ProfileView":
        return cls(
            id=user.id,
            email=user.email,
            full_name=user.full_name,
            phone=user.phone,
            email_verified=user.email_verified_at is not None,
            created_at=user.created_at,
        )


class ProfileChange(Body):
    """What is left out stays as it is."""

    full_name: Annotated[Text, Field(max_length=200)] | None = Field(default=None, examples=["Ada Shopper"])
    phone: Phone | None = Field(default=None, examples=["+14155552671"])

    @field_validator("full_name")
    @classmethod
    def _nobody_loses_the_name(cls, value: str | None) -> str:
        if value is None:
            raise ValueError("a person has a name: leave the field out to keep it")
        return value


class BookedAddress(AddressBody):
    """`is_default: true` makes it the default, which stays that until another is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_ADDRESS | {"is_default": True}]})

    is_default: StrictBool = False


class AddressChange(Body):
    """What is left out stays as it is; the whole that results is checked as an address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "503 555 0100", "is_default": True}]})

    full_name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None
    is_default: StrictBool = False


class AddressView(BaseModel):
    """`postal_code` is empty where the country has none."""

    id: UUID
    full_name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str
    phone: str | None
    is_default: bool
    created_at: datetime

    @classmethod
    def of(cls, address: Address) -> "AddressView":
        return cls.model_validate(address, from_attributes=True)


class AddressPage(Page):
    items: list[AddressView]


def _language(value: str) -> str:
    if value[:2] not in _LANGUAGES:
        raise ValueError("a language is its ISO 639 code of two letters, such as en, or with a country, as en-GB")
    return value


class PreferencesBody(Body):
    """The whole of them: what is left out is as it was before anything was set."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"language": "en", "currency": "USD", "order_emails": True, "marketing_emails": False}]
        }
    )

    language: Annotated[str, StringConstraints(pattern="^[a-z]{2}(-[A-Z]{2})?$"), AfterValidator(_language)] = "en"
    currency: Currency = "USD"
    order_emails: StrictBool = True
    marketing_emails: StrictBool = False

    @classmethod
    def of(cls, kept: Preferences) -> "PreferencesBody":
        return cls.model_validate(kept, from_attributes=True)


class AccountView(BaseModel):
    """An account as staff see it. An erased one has its id, and nothing of the person."""

    id: UUID
    email: str
    full_name: str
    phone: str | None
    role: Role
    status: Standing
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "AccountView":
        return cls(**vars(ProfileView.of(user)), role=Role(user.role), status=standing_of(user))


class AccountPage(Page):
    items: list[AccountView]


class RoleBody(Body):
    """`customer` takes the rights of staff away."""

    role: Annotated[Role, Field(examples=["staff"])]

    @field_validator("role")
    @classmethod
    def _of_a_person(cls, value: Role) -> Role:
        if value is Role.SERVICE:
            raise ValueError("a machine's account comes with its API key")
        return value


class SessionHeld(BaseModel):
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    ended_at: datetime | None


class MailHeld(BaseModel):
    purpose: str
    recipient: str | None
    created_at: datetime
    sent_at: datetime | None


class CartHeld(BaseModel):
    """Units by SKU."""

    items: dict[str, int]
    expires_at: datetime


class OrderHeld(OrderView):
    payment: PaymentView | None
    refunds: list[RefundView]
    timeline: list[EventView]


class Export(BaseModel):
    """Everything that is held about a person."""

    exported_at: datetime
    profile: ProfileView
    preferences: PreferencesBody
    addresses: list[AddressView]
    sessions: list[SessionHeld]
    mails: list[MailHeld]
    cart: CartHeld
    notifications: list[NotificationView]
    orders: list[OrderHeld]
    returns: list[ReturnView]
