"""Checking out, and orders as their owner and staff see them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from api.schemas.addresses import EXAMPLE_ADDRESS, AddressBody
from api.schemas.carts import TotalsView
from api.schemas.common import Body, Money, Page
from api.schemas.fulfilment import ShipmentView
from domain import money
from domain.orders import PaymentMethod, checkout_workflow_id
from domain.pricing import Totals
from models.orders import OrderEvent
from services.orders.reading import WholeOrder

PaymentToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{3,255}$"), Field(examples=["pm_card_visa"])]
"""A token of the provider's, never a card number: digits alone are refused."""


def _no_card_number(value: str) -> str:
    if value.replace("_", "").isdigit():
        raise ValueError("send the provider's token, never a card number")
    return value


EXAMPLE_CHECKOUTS: list[JsonValue] = [
    {"payment_method": "card", "payment_token": "pm_card_visa", "shipping_address": EXAMPLE_ADDRESS},
    {"payment_method": "cod", "shipping_address": EXAMPLE_ADDRESS},
]


class CheckoutBody(Body):
    """Goes to `shipping_address`, or to the one of the caller's address book whose id is `shipping_address_id`.

    `expected_total` guards against a price that changed after the shopper looked.
    """

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLE_CHECKOUTS})

    payment_method: PaymentMethod
    payment_token: Annotated[PaymentToken, AfterValidator(_no_card_number)] | None = None
    shipping_address_id: UUID | None = None
    shipping_address: AddressBody | None = Field(default=None, validate_default=True)
    notes: Annotated[str, Field(max_length=1000)] | None = None
    expected_total: Money | None = None

    @field_validator("shipping_address")
    @classmethod
    def _one_address(cls, value: AddressBody | None, info: ValidationInfo) -> AddressBody | None:
        if "shipping_address_id" in info.data and (value is None) is (info.data["shipping_address_id"] is None):
            raise ValueError("give either a shipping_address or a shipping_address_id")
        return value

    @model_validator(mode="after")
    def _token_goes_with_card(self) -> Self:
        if self.payment_method is PaymentMethod.CARD and self.payment_token is None:
            raise ValueError("a card payment needs a payment_token")
        if self.payment_method is PaymentMethod.COD and self.payment_token is not None:
            raise ValueError("cash on delivery takes no payment_token")
        return self


class CardBody(Body):
    payment_token: Annotated[PaymentToken, AfterValidator(_no_card_number)]


class NoteBody(Body):
    """All optional: `{}` or no body at all will do."""

    note: Annotated[str, Field(max_length=500)] | None = Field(default=None, examples=["called back"])


class OrderLineView(BaseModel):
    sku: str
    name: str
    quantity: int
    unit_price: Money
    line_total: Money


class NextAction(BaseModel):
    type: str = "redirect"
    url: str


class OrderView(BaseModel):
    id: UUID
    number: str
    status: str
    payment_method: str
    payment_status: str
    payment_id: UUID | None
    lines: list[OrderLineView]
    totals: TotalsView
    shipping_address: dict[str, Any]
    notes: str | None
    placed_at: datetime
    workflow_id: str
    next_action: NextAction | None
    shipments: list[ShipmentView]
    cancel_reason: str | None
    version: int

    @classmethod
    def of(cls, whole: WholeOrder) -> "OrderView":
        order = whole.order
        url = whole.redirect_url

        def in_its_currency(amount: int) -> Money:
            return Money(amount=amount, currency=order.currency)

        return cls(
            id=order.id,
            number=order.number,
            status=order.status,
            payment_method=order.payment_method,
            payment_status=whole.payment_status,
            payment_id=whole.payment.id if whole.payment else None,
            lines=[
                OrderLineView(
                    sku=line.sku,
                    name=line.name,
                    quantity=line.quantity,
                    unit_price=in_its_currency(line.unit_price),
                    line_total=in_its_currency(line.line_total),
                )
                for line in whole.lines
            ],
            totals=TotalsView.of(
                Totals(
                    money.Money(order.subtotal, order.currency),
                    money.Money(order.discount, order.currency),
                    money.Money(order.shipping, order.currency),
                    money.Money(order.tax, order.currency),
                )
            ),
            shipping_address=order.shipping_address,
            notes=order.notes,
            placed_at=order.placed_at,
            workflow_id=checkout_workflow_id(order.id),
            next_action=NextAction(url=url) if url else None,
            shipments=[ShipmentView.of(sent) for sent in whole.shipments],
            cancel_reason=order.cancel_reason,
            version=order.version,
        )


class OrderPending(BaseModel):
    """The checkout has not finished by the reply deadline: it goes on by itself. Look again at `Location`."""

    id: UUID
    status: str
    workflow_id: str


class OrderPage(Page):
    items: list[OrderView]


class EventView(BaseModel):
    seq: int
    kind: str
    from_status: str | None
    to_status: str
    actor: str
    note: str | None
    at: datetime

    @classmethod
    def of(cls, event: OrderEvent) -> "EventView":
        return cls.model_validate(event, from_attributes=True)


class Timeline(BaseModel):
    items: list[EventView]
