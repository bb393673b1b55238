"""Products as shoppers see them."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api.schemas.common import Money, Page
from services.catalogue.reading import Listing


class CategoryName(BaseModel):
    slug: str
    name: str


class VariantView(BaseModel):
    sku: str
    price: Money
    options: dict[str, str]


class ProductView(BaseModel):
    id: UUID
    slug: str
    name: str
    description: str
    brand: str | None
    category: CategoryName | None
    in_stock: bool
    status: str
    attributes: dict[str, Any]
    images: list[Any]
    variants: list[VariantView]
    version: int

    @classmethod
    def of(cls, listing: Listing) -> "ProductView":
        product, category = listing.product, listing.category
        return cls(
            id=product.id,
            slug=product.slug,
            name=product.name,
            description=product.description,
            brand=product.brand,
            category=CategoryName(slug=category.slug, name=category.name) if category else None,
            in_stock=listing.in_stock,
            status=product.status,
            attributes=product.attributes,
            images=product.images,
            variants=[
                VariantView(sku=v.sku, price=Money(amount=v.price, currency=v.currency), options=v.options)
                for v in listing.variants
            ],
            version=product.version,
        )


class ProductPage(Page):
    items: list[ProductView]
