"""Returns, as they are asked for and as their owner and staff see them."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool

from api.schemas.common import Body, Money, Page, Sku, Text
from domain.orders import RefundStatus, ReturnStatus, return_workflow_id
from models.returns import ReturnCause
from services.returns.reading import WholeReturn
from services.returns.requesting import ReturnWish

EXAMPLE: list[JsonValue] = [{"lines": [{"sku": "LAMP-OAK", "quantity": 1}], "reason": "It flickers."}]


class ReturnLineBody(Body):
    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class ReturnBody(Body):
    """A SKU that stands in several lines comes back with all their units."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLE})

    lines: Annotated[list[ReturnLineBody], Field(min_length=1, max_length=100)]
    reason: Annotated[Text, Field(max_length=500)]

    def wish(self) -> ReturnWish:
        units: Counter[str] = Counter()
        for line in self.lines:
            units[line.sku] += line.quantity
        return ReturnWish(units, self.reason)


class ReceiveBody(Body):
    """All optional. `restock` false writes the goods off: they do not come back into stock."""

    restock: StrictBool = Field(default=True, examples=[False])
    note: Annotated[str, Field(max_length=500)] | None = Field(default=None, examples=["as new"])


class ReturnLineView(BaseModel):
    """`amount` is what the customer paid for these units."""

    sku: str
    name: str
    quantity: int
    amount: Money


class ReturnRefund(BaseModel):
    id: UUID
    status: RefundStatus
    amount: Money


class ReturnView(BaseModel):
    """`refund_amount` is what the lines are worth; `refund` is what goes back once they are received: less where some
    of the payment went back before, all that is left of it once everything of the order is back.

    `deadline_at` is when it expires unless staff decide, or the goods arrive. `restock` is null until then.
    """

    id: UUID
    order_id: UUID
    status: ReturnStatus
    cause: ReturnCause
    lines: list[ReturnLineView]
    reason: str
    refund_amount: Money
    refund: ReturnRefund | None
    restock: bool | None
    note: str | None
    deadline_at: datetime | None
    created_at: datetime
    decided_at: datetime | None
    received_at: datetime | None
    closed_at: datetime | None
    workflow_id: str
    version: int

    @classmethod
    def of(cls, whole: WholeReturn) -> Self:
        row, refund = whole.row, whole.refund

        def in_its_currency(amount: int) -> Money:
            return Money(amount=amount, currency=row.currency)

        return cls(
            **row.model_dump(include=_AS_THEY_ARE),
            lines=[
                ReturnLineView(
                    sku=line.sku, name=line.name, quantity=line.quantity, amount=in_its_currency(line.amount)
                )
                for line in whole.lines
            ],
            refund_amount=in_its_currency(row.refund_amount),
            refund=refund
            and ReturnRefund(
                id=refund.id, status=RefundStatus(refund.status), amount=in_its_currency(refund.amount)
            ),
            workflow_id=return_workflow_id(row.id),
        )  # fmt: skip


_AS_THEY_ARE = {
    "id", "order_id", "status", "cause", "reason", "restock", "note", "deadline_at", "created_at", "decided_at",
    "received_at", "closed_at", "version",
}  # fmt: skip


class ReturnPage(Page):
    items: list[ReturnView]
