"""Deliveries that are received, and shelves that are counted."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.schemas.common import Body, Page
from api.schemas.inventory.changes import Count, LocationCode
from models.inventory import StockSession, StockSessionKind, StockSessionLine, StockSessionStatus
from services.inventory.locations import MAIN
from services.inventory.sessions.reading import WholeSession, difference

Reference = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(examples=["delivery note 4711"]),
]


class SessionBody(Body):
    kind: StockSessionKind = Field(examples=["receive"])
    location: LocationCode = MAIN
    reference: Reference = ""


class SessionLineBody(Body):
    """Units received, or counted: the whole figure, which replaces the one before."""

    quantity: Annotated[Count, Field(examples=[12])]


class SessionLineView(BaseModel):
    """`expected_on_hand` is what the book said when it was counted; `difference` is what applying books."""

    sku: str = Field(examples=["LAMP-OAK"])
    quantity: int = Field(examples=[12])
    expected_on_hand: int | None = Field(examples=[14])
    difference: int = Field(examples=[-2])
    at: datetime

    @classmethod
    def of(cls, line: StockSessionLine) -> "SessionLineView":
        return cls.model_validate(line.model_dump() | {"difference": difference(line)})


class SessionSummary(BaseModel):
    id: UUID
    kind: StockSessionKind
    status: StockSessionStatus
    location: str = Field(examples=["main"])
    reference: str = Field(examples=["delivery note 4711"])
    line_count: int
    opened_by: UUID
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, session: StockSession, location: str, line_count: int) -> "SessionSummary":
        return cls(**_fields(session, location, line_count))


class SessionPage(Page):
    items: list[SessionSummary]


class SessionView(SessionSummary):
    lines: list[SessionLineView]

    @classmethod
    def whole(cls, whole: WholeSession) -> "SessionView":
        lines = [SessionLineView.of(line) for line in whole.lines]
        return cls(**_fields(whole.session, whole.location, len(lines)), lines=lines)


def _fields(session: StockSession, location: str, line_count: int) -> dict[str, Any]:
    return session.model_dump() | {"location": location, "line_count": line_count}
