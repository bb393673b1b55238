"""What is sold: categories, products and their variants. A variant has the SKU and the price."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.base import document, minor_units, one_of, uuid7_key, written_at


class ProductStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Category(SQLModel, table=True):
    __tablename__ = "categories"
    __table_args__ = (CheckConstraint("parent_id <> id", name="not_its_own_parent"),)

    id: UUID = uuid7_key()
    slug: str = Field(unique=True, max_length=120)
    name: str = Field(max_length=120)
    parent_id: UUID | None = Field(default=None, foreign_key="categories.id", index=True)


class Product(SQLModel, table=True):
    __tablename__ = "products"
    __table_args__ = (
        one_of("status", ProductStatus),
        # The newest active products, and the same within a category: the two lists there are.
        Index(
            "ix_products_newest",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'active'"),
        ),
        Index(
            "ix_products_newest_in_category",
            "category_id",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: UUID = uuid7_key()
    slug: str = Field(unique=True, max_length=200)
    name: str = Field(max_length=200)
    description: str = ""
    brand: str | None = Field(default=None, max_length=120)
    category_id: UUID | None = Field(default=None, foreign_key="categories.id")
    status: str = Field(default=ProductStatus.ACTIVE.value)
    attributes: dict[str, Any] = document(default="{}")
    images: list[Any] = document(default="[]")
    version: int = 1
    created_at: datetime = written_at()
    updated_at: datetime = written_at()


class Variant(SQLModel, table=True):
    __tablename__ = "variants"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
    )

    id: UUID = uuid7_key()
    product_id: UUID = Field(foreign_key="products.id", index=True)
    sku: str = Field(unique=True, max_length=64)
    position: int = 0
    price: int = minor_units()
    currency: str = Field(max_length=3)
    options: dict[str, str] = document(default="{}")
