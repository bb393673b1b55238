"""What staff may write about products and categories: the same rules for a request's body and a row of an import."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Self
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from domain.money import EXPONENTS
from domain.slugs import LONGEST, is_slug
from domain.text import is_storable
from models.catalogue import ProductStatus

MAX_VARIANTS = 100
LARGEST = 2**53
"""Beyond it JSON's readers disagree about a number."""
HIGHEST_PRICE = 10_000_000_000
"""Minor units: the total of a full cart stays a number that JSON's readers and the database's columns can hold."""
RESERVED_SKUS = frozenset({"events", "locations", "sessions"})
"""Paths below /inventory that are no SKU."""
MAX_ATTRIBUTES = 50
LARGEST_ATTRIBUTES = 16_384
"""Bytes as JSON, of all attributes together."""

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("text must not hold NUL or half a surrogate pair")
    return text


def _printable(text: str) -> str:
    """As the pattern does, which would stand in the document in the place of the object's field names."""
    if not re.fullmatch(_PRINTABLE, text):
        raise ValueError("text must not hold control characters")
    return text


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("this is not a currency that the shop knows")
    return code


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError("a slug is lower-case letters and digits with single hyphens, such as basic-tee, and no id")
    return text


def _sku(text: str) -> str:
    if text in RESERVED_SKUS:
        raise ValueError(f"{text} is a path below /inventory, and no SKU")
    return text


def _web_address(text: str) -> str:
    """Raises ValueError for what a browser would not load, or would send a password to."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(letter <= " " for letter in text):
        raise ValueError("this is not an http or https address")
    if parts.username is not None or parts.port == 0:
        raise ValueError("an image's address has no user and no port 0")
    return text


def _attribute(value: Any) -> Any:
    """One error that says what may stand here, where a union would give one for each of its types."""
    if isinstance(value, list):
        is_good = len(value) <= 50 and all(_is_short(item) or _is_number(item) for item in value)
    else:
        is_good = isinstance(value, bool) or _is_short(value) or _is_number(value)
    if not is_good:
        raise ValueError("an attribute is a text of up to 500 characters, a number, a boolean, or a list of up to 50")
    return value


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 500 and is_storable(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _of_bounded_size(attributes: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(attributes)) > LARGEST_ATTRIBUTES:
        raise ValueError(f"the attributes are larger than {LARGEST_ATTRIBUTES} bytes")
    return attributes


def _distinct(images: list[str]) -> list[str]:
    if len(set(images)) < len(images):
        raise ValueError("an image stands there twice")
    return images


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PRINTABLE)]
ShortName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_PRINTABLE)]
Description = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_storable)]
Slug = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_slug)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), AfterValidator(_sku)]
AttributeValue = Annotated[bool | int | float | str | list[str | int | float], BeforeValidator(_attribute)]
Attributes = Annotated[dict[Word, AttributeValue], Field(max_length=MAX_ATTRIBUTES), AfterValidator(_of_bounded_size)]
Image = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_storable), AfterValidator(_web_address)]
Images = Annotated[list[Image], Field(max_length=20), AfterValidator(_distinct)]
Options = Annotated[dict[Word, ShortName], Field(max_length=10)]
Units = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Position = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class Draft(BaseModel):
    """Checked when it is made. What it does not know is refused, so that a typing error is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _absent() -> Any:
    """For a field that may be left out and is never null."""
    return Field(default_factory=lambda: None)


class Price(Draft):
    """Integer minor units of an ISO 4217 currency: 19.99 USD is 1999."""

    model_config = ConfigDict(json_schema_extra={"example": {"amount": 1999, "currency": "USD"}})

    amount: Annotated[int, Field(ge=0, le=HIGHEST_PRICE, strict=True)]
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), AfterValidator(_known_currency)]


class VariantDraft(Draft):
    """`initial_stock` is put on the shelf when the SKU is new, and never again."""

    sku: Sku
    price: Price
    options: Options = {}
    initial_stock: Units = 0


class ProductDraft(Draft):
    """`category` and `slug` are slugs; without a slug one is made from the name."""

    name: Name
    description: Description
    brand: ShortName | None = None
    category: Slug | None = None
    attributes: Attributes = {}
    images: Images = []
    status: ProductStatus = ProductStatus.ACTIVE
    slug: Slug | None = None
    variants: Annotated[list[VariantDraft], Field(min_length=1, max_length=MAX_VARIANTS)]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        twice = [sku for sku, count in Counter(variant.sku for variant in self.variants).items() if count > 1]
        if twice:
            raise ValueError(f"a SKU stands there twice: {', '.join(twice)}")
        if complaint := disagreement([Facet.of(variant) for variant in self.variants]):
            raise ValueError(complaint)
        return self


class ProductChange(Draft):
    """What is there replaces what was, null clears, what is absent stays. Attributes are merged, name by name."""

    name: Name = _absent()
    description: Description | None = None
    brand: ShortName | None = None
    category: Slug | None = None
    attributes: dict[Word, AttributeValue | None] | None = None
    images: Images | None = None
    status: ProductStatus = _absent()
    slug: Slug = _absent()


class VariantChange(Draft):
    """As ProductChange. The options are replaced as a whole."""

    price: Price = _absent()
    options: Options | None = None
    position: Position = _absent()


class CategoryDraft(Draft):
    """`parent` is a slug. Siblings stand by position, then by name."""

    name: ShortName
    slug: Slug | None = None
    parent: Slug | None = None
    position: Position = 0


class CategoryChange(Draft):
    """What is absent stays; a parent of null makes it a root."""

    name: ShortName = _absent()
    slug: Slug = _absent()
    parent: Slug | None = None
    position: Position = _absent()


class Facet(NamedTuple):
    """What the variants of one product have to agree about, or to differ in."""

    currency: str
    options: Mapping[str, str]

    @classmethod
    def of(cls, variant: VariantDraft) -> "Facet":
        return cls(variant.price.currency, variant.options)


def disagreement(variants: Collection[Facet]) -> str | None:
    """Why these cannot be the variants of one product; None when they can. Without options the SKU tells them apart."""
    if len(variants) > MAX_VARIANTS:
        return f"a product has at most {MAX_VARIANTS} variants"
    if _differ(facet.currency for facet in variants):
        return "the variants of a product have one currency"
    if _differ(frozenset(facet.options) for facet in variants):
        return "the variants of a product have the same options, by name"
    sets = [frozenset(facet.options.items()) for facet in variants if facet.options]
    return "two variants have the same options" if len(set(sets)) < len(sets) else None


def _differ(values: Iterable[object]) -> bool:
    return len(set(values)) > 1
