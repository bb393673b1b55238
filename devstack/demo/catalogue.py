"""The demo catalogue as it stands in `catalogue.json`: one product a line, prices in minor units."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.money import EXPONENTS
from models.catalogue import ProductStatus

FILE = Path(__file__).with_name("catalogue.json")

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=120)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", max_length=64)]
Attribute = str | int | float | bool
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CategoryEntry(Entry):
    slug: Slug
    name: Name
    parent: Slug | None = None


class VariantEntry(Entry):
    sku: Sku
    price: Annotated[int, Field(ge=0, strict=True)]
    options: dict[str, str] = {}
    stock: Annotated[int, Field(ge=0, strict=True, description="Units that the first loading puts on the shelf.")]


class ProductEntry(Entry):
    slug: Slug
    name: Name
    brand: Name
    category: Slug
    status: ProductStatus = ProductStatus.ACTIVE
    listed_on: date = Field(description="When the shop began to sell it: the list of the newest is ordered by this.")
    description: str
    attributes: dict[str, Attribute | list[Attribute]] = {}
    images: list[str] = []
    currency: str = "USD"
    variants: Annotated[list[VariantEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_a_known_currency(self) -> Self:
        if self.currency not in EXPONENTS:
            raise ValueError(f"{self.slug}: unknown currency {self.currency!r}")
        return self


class Catalogue(Entry):
    categories: Annotated[list[CategoryEntry], Field(min_length=1)]
    products: Annotated[list[ProductEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        categories = [category.slug for category in self.categories]
        _require_unique("category", categories)
        _require_unique("product", (product.slug for product in self.products))
        _require_unique("SKU", (variant.sku for product in self.products for variant in product.variants))
        for product in self.products:
            if product.category not in categories:
                raise ValueError(f"{product.slug}: unknown category {product.category!r}")
        return self


def read_catalogue(file: Path = FILE) -> Catalogue:
    """Raises OSError, and ValueError with every place where the file is not a catalogue."""
    return Catalogue.model_validate_json(file.read_bytes())


def _require_unique(kind: str, keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{kind} {key!r} stands there twice")
        seen.add(key)
