"""What staff tell of an order after its checkout, and shipments as they are shown."""

from collections import Counter
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StringConstraints

from api.schemas.common import Body, Money, Sku, Text
from domain.messages.checkout import NOTE_LIMIT
from domain.messages.fulfilment import CARRIER_LIMIT, MOST_UNITS, TRACKING_LIMIT
from services.orders.reading import Sent

Note = Annotated[str, Field(max_length=NOTE_LIMIT)]

EXAMPLE_SHIPMENTS: list[JsonValue] = [
    {"carrier": "DHL", "tracking_number": "JJD000390007882"},
    {"carrier": "DHL", "tracking_number": "JJD000390007882", "lines": [{"sku": "LAMP-OAK", "quantity": 1}]},
]


class ShipmentLineBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"sku": "LAMP-OAK", "quantity": 1}})

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=MOST_UNITS, strict=True)]


class ShipBody(Body):
    """Without `lines` all that is left is shipped; two lines of one SKU add up."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLE_SHIPMENTS})

    carrier: Annotated[Text, StringConstraints(max_length=CARRIER_LIMIT)]
    tracking_number: Annotated[Text, StringConstraints(max_length=TRACKING_LIMIT)]
    lines: Annotated[list[ShipmentLineBody], Field(min_length=1, max_length=1000)] | None = None
    note: Note | None = None

    @property
    def units(self) -> dict[str, int]:
        """By SKU; none where all is shipped."""
        units: Counter[str] = Counter()
        for line in self.lines or ():
            units[line.sku] += line.quantity
        return dict(units)


class DeliverBody(Body):
    """`cod_collected` is the cash that the courier collected: the money, or whether it was what is due.

    All optional: `{}` or no body at all says that it was.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"cod_collected": {"amount": 1999, "currency": "USD"}}]}
    )

    cod_collected: Money | StrictBool | None = None
    note: Note | None = None


class CancelBody(Body):
    reason: Annotated[Text, StringConstraints(max_length=NOTE_LIMIT)] = Field(examples=["ordered by mistake"])


class ShipmentLineView(BaseModel):
    sku: str
    quantity: int


class ShipmentView(BaseModel):
    id: UUID
    carrier: str
    tracking_number: str
    shipped_at: datetime
    lines: list[ShipmentLineView]

    @classmethod
    def of(cls, sent: Sent) -> "ShipmentView":
        shipment = sent.shipment
        return cls(
            id=shipment.id,
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
            shipped_at=shipment.shipped_at,
            lines=[ShipmentLineView(sku=line.sku, quantity=line.quantity) for line in sent.lines],
        )
