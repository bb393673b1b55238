"""What staff tell orders under way, and how they say which."""

from datetime import timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from api.schemas.common import Body, Text
from api.steering.finding import Wanted
from api.steering.sending import Action
from domain.messages.steering import MOST_MINUTES
from domain.orders import OrderStatus, PaymentMethod


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10 else value


Age = Annotated[
    timedelta,
    BeforeValidator(_seconds),
    Field(ge=timedelta(0), le=timedelta(days=3650)),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "duration"}, {"type": "integer", "minimum": 0}],
            "description": "An ISO 8601 duration such as `PT1H`, or seconds.",
            "examples": ["PT1H"],
        }
    ),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Stuck = Annotated[bool | Name, BeforeValidator(_flag), Field(description="`true`, `false`, or the name of a step.")]
Reason = Annotated[Text, StringConstraints(max_length=500), Field(examples=["the provider is back"])]
Minutes = Annotated[int, Field(ge=1, le=MOST_MINUTES, strict=True, examples=[60])]

MOST_IDS = 200


class RetryBody(Body):
    """All optional: `{}` or no body at all will do."""

    reason: Reason | None = Field(default=None, examples=["the provider is back"])


class ExtendHoldBody(Body):
    minutes: Minutes
    reason: Reason


class FilterBody(Body):
    """At least one of them; the orders that fit all. `stuck` is whether a step is, or which one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    waiting_for: Name | None = None
    stuck: Stuck | None = None
    older_than: Age | None = None
    payment_method: PaymentMethod | None = None
    status: OrderStatus | None = None

    @model_validator(mode="after")
    def _not_everything(self) -> Self:
        if all(value is None for value in vars(self).values()):
            raise ValueError("say which orders are meant")
        return self

    @property
    def wanted(self) -> Wanted:
        return Wanted(**vars(self))


EXAMPLE_ACTIONS: list[JsonValue] = [
    {"action": "retry", "filter": {"stuck": "capture_payment"}, "reason": "the provider is back"},
    {"action": "cancel", "order_ids": ["0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"], "reason": "the courier is on strike"},
]


class ActionBody(Body):
    """To these orders, or to those under way that fit the filter: 1,000 at once. `minutes` goes with `extend-hold`."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLE_ACTIONS})

    action: Action
    order_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)] | None = None
    filter: FilterBody | None = None
    reason: Reason
    minutes: Minutes | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.order_ids is None) is (self.filter is None):
            raise ValueError("give either order_ids or a filter")
        if (self.minutes is not None) is not (self.action is Action.EXTEND_HOLD):
            raise ValueError("minutes go with extend-hold, and only with it")
        return self

    @property
    def wanted(self) -> list[UUID] | Wanted:
        return self.filter.wanted if self.filter else list(dict.fromkeys(self.order_ids or []))


class ResultView(BaseModel):
    """`not-allowed`: `code` says why. `away`: it did not get there, and may be sent again."""

    order_id: UUID
    outcome: str = Field(examples=["sent"])
    code: str | None = Field(examples=[None])


class ActionAnswer(BaseModel):
    """`more` when more orders fit the filter than are taken at once. What came of it is in each order's timeline."""

    matched: int
    more: bool
    sent: int
    results: list[ResultView]
