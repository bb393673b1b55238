"""Where stock lies."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.common import Body, Page, Text
from api.schemas.inventory.changes import LocationCode
from models.inventory import Location

Name = Annotated[Text, Field(max_length=120, examples=["Main warehouse"])]


class LocationBody(Body):
    """The code stays; the name can be changed."""

    code: LocationCode
    name: Name


class LocationChange(Body):
    name: Name


class LocationView(BaseModel):
    id: UUID
    code: LocationCode
    name: Name

    @classmethod
    def of(cls, location: Location) -> "LocationView":
        return cls.model_validate(location, from_attributes=True)


class LocationPage(Page):
    items: list[LocationView]
