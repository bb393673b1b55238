"""A SKU's stock, and its history."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.common import Page
from models.inventory import MovementKind, StockEvent, StockEventKind, StockMovement
from services.inventory import StockPicture
from services.inventory.reading import StockTotal


class StockSummary(BaseModel):
    """A SKU over all locations; available = on_hand − reserved."""

    sku: str = Field(examples=["LAMP-OAK"])
    on_hand: int = Field(examples=[12])
    reserved: int = Field(examples=[3])
    available: int = Field(examples=[9])
    low_stock_threshold: int = Field(examples=[5])

    @classmethod
    def of(cls, total: StockTotal) -> Self:
        return cls.model_validate(total, from_attributes=True)


class StockPage(Page):
    items: list[StockSummary]


class AtLocationView(BaseModel):
    code: str = Field(examples=["main"])
    on_hand: int = Field(examples=[12])
    reserved: int = Field(examples=[3])


class HolderView(BaseModel):
    order_id: UUID
    number: str = Field(examples=["TW-100042"])
    quantity: int = Field(examples=[3])
    expires_at: datetime


class HeldByView(BaseModel):
    """The orders that hold units of the SKU: all of them counted, the newest fifty shown."""

    count: int
    orders: list[HolderView]


class StockView(StockSummary):
    locations: list[AtLocationView]
    held_by: HeldByView


class MovementView(BaseModel):
    """A row of the ledger. `order_id`, `session_id`, `return_id` and `actor_id` say what or who made it, if known."""

    id: UUID
    sku: str = Field(examples=["LAMP-OAK"])
    location: str = Field(examples=["main"])
    delta: int = Field(examples=[-2])
    kind: MovementKind
    reason: str = Field(examples=["two were broken"])
    order_id: UUID | None
    session_id: UUID | None
    return_id: UUID | None
    actor_id: UUID | None
    at: datetime

    @classmethod
    def of(cls, movement: StockMovement, location: str) -> Self:
        return cls.model_validate(movement.model_dump() | {"location": location})


class MovementPage(Page):
    items: list[MovementView]


class AdjustedView(StockView):
    """The stock as it stands, and the movement that this adjustment booked: null when there was nothing to book."""

    movement: MovementView | None

    @classmethod
    def after(cls, picture: StockPicture, movement: MovementView | None) -> Self:
        return cls(**StockView.of(picture).model_dump(), movement=movement)


class StockEventView(BaseModel):
    """`low`: available fell to the threshold; `out`: nothing is available any more; `back`: available again."""

    id: UUID
    sku: str = Field(examples=["LAMP-OAK"])
    kind: StockEventKind
    available: int = Field(examples=[5])
    threshold: int = Field(examples=[5])
    at: datetime

    @classmethod
    def of(cls, event: StockEvent) -> Self:
        return cls.model_validate(event, from_attributes=True)


class StockEventPage(Page):
    items: list[StockEventView]
