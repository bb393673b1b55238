"""Keys of machines."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from api.schemas.common import Body, Page, Text
from domain.permissions import Permission
from models.accounts import ApiKey
from services.api_keys import GRANTABLE


def _grantable(value: Permission) -> Permission:
    if value not in GRANTABLE:
        raise ValueError("no key is given this permission")
    return value


def _to_come(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        raise ValueError("this is over already")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC this is after the year 9999") from None


class NewApiKey(Body):
    name: Annotated[Text, Field(max_length=120, examples=["Warehouse system"])]
    permissions: Annotated[
        frozenset[Annotated[Permission, AfterValidator(_grantable)]],
        Field(min_length=1, examples=[["inventory:read", "inventory:write"]]),
    ]
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come), Field(examples=["2099-01-01T00:00:00Z"])] | None = (
        None
    )


class ApiKeyView(BaseModel):
    """`prefix` is the beginning of the key, to find it by where it is used. `last_used_at` is exact to a minute."""

    id: UUID
    name: str = Field(examples=["Warehouse system"])
    prefix: str = Field(examples=["tw_5f2c9a0d1e7b"])
    permissions: list[Permission]
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyView":
        known = [Permission(name) for name in key.permissions if name in set(Permission)]
        return cls(**key.model_dump(exclude={"permissions", "hash", "user_id"}), permissions=known)


class ApiKeyMade(ApiKeyView):
    """`key` is told this once; it is null where the request was made before."""

    key: str | None = Field(examples=["tw_5f2c9a0d1e7b_Jf3w0lqk5nE1hZ8yR2vT7cXb9mD4sPa6gUoKiQeYtWs"])


class ApiKeyPage(Page):
    items: list[ApiKeyView]
