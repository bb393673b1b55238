"""What the bodies share."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.problems import STATUS
from domain import money as domain
from domain.errors import Fact
from domain.text import is_storable

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=_PRINTABLE)]
"""Not empty once the blanks around it are gone, and without control characters."""

Sku = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Body(BaseModel):
    """A request's body: a field that is not known is refused, so that a typing error is not ignored."""

    model_config = ConfigDict(extra="forbid", str_max_length=4000, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _text_can_be_kept(cls, body: Any) -> Any:
        fields = body.items() if isinstance(body, dict) else ()
        if broken := [name for name, value in fields if isinstance(value, str) and not is_storable(value)]:
            raise ValueError(f"text must not hold NUL or half a surrogate pair: {', '.join(broken)}")
        return body


class Nothing(Body):
    """`{}` or no body at all. Whoever sends more, an amount to a capture for example, hears that nobody reads it."""

    model_config = ConfigDict(json_schema_extra={"example": {}})


def _currency(value: str) -> str:
    if value not in domain.EXPONENTS:
        raise ValueError("this is not a currency that the shop knows")
    return value


Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), AfterValidator(_currency)]
"""By its ISO 4217 code."""


class Money(BaseModel):
    """Integer minor units of an ISO 4217 currency: 19.99 USD is 1999."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"amount": 1999, "currency": "USD"}})

    amount: Annotated[int, Field(ge=0, le=2**53, strict=True)]
    currency: Currency

    @classmethod
    def of(cls, value: domain.Money) -> "Money":
        return cls(amount=value.amount, currency=value.currency)


class Page(BaseModel):
    """One page of a list; `next_cursor` is null on the last one."""

    next_cursor: str | None


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str | None


NOT_SIGNED_IN = "The access token is missing, not good, or over."
NOT_VALID = "The request is not valid: `errors` says where."


def problems(*facts: type[Fact], **by_status: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses, such as `problems(OutOfStock, s404="There is no such SKU.", s409="Not enough stock.")`.

    The facts are those that a status does not tell by itself; `api/openapi.py` adds an example of each, and what
    follows from the route's parameters.
    """
    described = {int(status.removeprefix("s")): text for status, text in by_status.items()}
    statuses = described.keys() | {STATUS[fact] for fact in facts}
    named = {status: [fact for fact in facts if STATUS[fact] == status] for status in statuses}
    return {
        status: {
            "description": described.get(status) or " ".join(f"{fact.title}." for fact in named[status]),
            "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
            "x-codes": [fact.code for fact in named[status]],
        }
        for status in statuses
    }
