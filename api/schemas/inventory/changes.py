"""What staff send to change stock."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.common import Body, Text
from services.inventory.adjusting import Adjustment, Transfer
from services.inventory.locations import MAIN

Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Units = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
LocationCode = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,31}$", examples=["main"])]
Reason = Annotated[Text, Field(max_length=200, examples=["two were broken"])]

_ADJUSTMENTS: dict[str, Any] = {
    "examples": [
        {"delta": -2, "reason": "two were broken"},
        {"set_to": 40, "expected_on_hand": 42, "reason": "counted", "location": "main"},
    ],
    "oneOf": [{"required": ["delta"]}, {"required": ["set_to", "expected_on_hand"]}],
}


class AdjustmentBody(Body):
    """Either `delta`, or `set_to` with the `expected_on_hand` that it replaces, both of this one location."""

    model_config = ConfigDict(json_schema_extra=_ADJUSTMENTS)

    delta: Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True)] | None = None
    set_to: Count | None = None
    expected_on_hand: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = None
    reason: Reason
    location: LocationCode = MAIN

    @model_validator(mode="after")
    def _in_one_form(self) -> Self:
        if self.delta == 0:
            raise ValueError("a delta of 0 changes nothing")
        self.adjustment()
        return self

    def adjustment(self) -> Adjustment:
        return Adjustment(**self.model_dump())


class TransferBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"from": "main", "to": "shop-window", "quantity": 4, "reason": "for the display"}]
        }
    )

    source: LocationCode = Field(alias="from")
    destination: LocationCode = Field(alias="to")
    quantity: Units
    reason: Reason

    @model_validator(mode="after")
    def _between_two(self) -> Self:
        self.transfer()
        return self

    def transfer(self) -> Transfer:
        return Transfer(**self.model_dump())


class ThresholdBody(Body):
    """At this many units available, or fewer, the SKU is low."""

    low_stock_threshold: Annotated[Count, Field(examples=[5])]
