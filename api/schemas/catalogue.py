"""Products and categories: as they are answered, and as staff write them."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.schemas.common import Body, Money, Page
from services.catalogue import drafts
from services.catalogue.tree import Node


class CategoryName(BaseModel):
    slug: str
    name: str


class VariantView(BaseModel):
    sku: str
    price: Money
    options: dict[str, str]


class ProductView(BaseModel):
    """It documents the stored bytes, and a test holds them to it: no product is rendered through it."""

    id: UUID
    slug: str
    name: str
    description: str
    brand: str | None
    status: str
    attributes: dict[str, bool | int | float | str | list[str | int | float]]
    images: list[str]
    variants: list[VariantView]
    version: int
    category: CategoryName | None
    in_stock: bool


class ProductPage(Page):
    items: list[ProductView]


def _examples(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


EXAMPLE_VARIANT = {
    "sku": "LAMP-BRASS", "price": {"amount": 4900, "currency": "USD"},
    "options": {"Finish": "Brass"}, "initial_stock": 20,
}  # fmt: skip


class NewProduct(Body, drafts.ProductDraft):
    """Without a `slug` one is made from the name. All variants have one currency and the same options by name."""

    model_config = _examples(
        {
            "name": "Reading Lamp",
            "description": "A lamp for the desk, with a joint that stays where it is put.",
            "brand": "Hestia",
            "category": "home",
            "attributes": {"height_cm": 42, "dimmable": True, "rooms": ["Study", "Bedroom"]},
            "images": ["https://images.example/products/reading-lamp.jpg"],
            "variants": [EXAMPLE_VARIANT],
        }
    )


class NewVariant(Body, drafts.VariantDraft):
    """It comes last, has the product's currency, and the options that its other variants have."""

    model_config = _examples(EXAMPLE_VARIANT)


class ProductEdit(Body, drafts.ProductChange):
    """What is absent stays, and null clears. `attributes` are merged: a name with null is taken out."""

    model_config = _examples(
        {"description": "A lamp for the desk, with a new joint.", "attributes": {"dimmable": None}},
        {"status": "archived"},
    )


class VariantEdit(Body, drafts.VariantChange):
    """What is absent stays. `options` are replaced as a whole; variants stand by `position`, then by SKU."""

    model_config = _examples({"price": {"amount": 4500, "currency": "USD"}})


class NewCategory(Body, drafts.CategoryDraft):
    """`parent` is a category's slug. Without a `slug` one is made from the name."""

    model_config = _examples({"name": "Lighting", "parent": "home"})


class CategoryEdit(Body, drafts.CategoryChange):
    """What is absent stays; a `parent` of null makes it a root."""

    model_config = _examples({"name": "Lamps & Lighting"})


class CategoryView(BaseModel):
    """`parent` is a slug, and `path` are those from the root to the category itself; `depth` is 1 for a root."""

    id: UUID
    slug: str
    name: str
    parent: str | None
    path: list[str]
    depth: int
    position: int
    version: int

    @classmethod
    def of(cls, node: Node) -> "CategoryView":
        category = node.category
        return cls(
            id=category.id,
            slug=category.slug,
            name=category.name,
            parent=node.parent.slug if node.parent else None,
            path=[one.slug for one in node.path],
            depth=node.depth,
            position=category.position,
            version=category.version,
        )


class CategoryPage(Page):
    """The tree, a parent before its children."""

    items: list[CategoryView]
