"""What is sold: categories, products and their variants. A variant has the SKU and the price.

A product's answer is kept as the bytes that clients get (ProductBody), written by whoever changes the product.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, LargeBinary, Text, text
from sqlalchemy.dialects import postgresql
from sqlmodel import Field, SQLModel

from models.base import XID8, document, minor_units, one_of, uuid7_key, written_at


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
    position: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class Product(SQLModel, table=True):
    """`price` is the lowest of its variants', in minor units, for sorting and filtering."""

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
        Index("ix_products_category_id", "category_id"),
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
    price: int | None = Field(default=None, sa_column=Column(BigInteger))
    version: int = 1
    created_at: datetime = written_at()
    updated_at: datetime = written_at()


# What search finds by without Redis: the name counts over the brand over the description. Postgres makes it; it is not
# a field of Product, so that whoever reads a product does not read it too.
PRODUCT_WORDS: Column[Any] = Column(
    "words", postgresql.TSVECTOR, Computed("product_words(name, brand, description)", persisted=True)
)
SQLModel.metadata.tables["products"].append_column(PRODUCT_WORDS)
Index("ix_products_words", PRODUCT_WORDS, postgresql_using="gin")


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


class ProductBody(SQLModel, table=True):
    """A product's JSON object as clients get it, but for `in_stock` and the closing brace, which each read adds."""

    __tablename__ = "product_bodies"

    product_id: UUID = Field(foreign_key="products.id", primary_key=True)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class FormerSlug(SQLModel, table=True):
    """A slug that a product had before it was renamed: it leads there still, and no other product may take it."""

    __tablename__ = "former_slugs"

    slug: str = Field(primary_key=True, max_length=200)
    product_id: UUID = Field(foreign_key="products.id", index=True)


class SearchChange(SQLModel, table=True):
    """The outbox of the search index: a product whose document has to be made anew, gone products included.

    `xid` is the transaction that wrote it. Rows are read in the order (xid, id), below the oldest transaction that is
    still running: a sequence alone would let a slow transaction's row slip in behind one that was read already.
    """

    __tablename__ = "search_changes"
    __table_args__ = (Index("ix_search_changes_order", "xid", "id"),)

    id: int = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    xid: str = Field(
        default=None,
        sa_column=Column(XID8, nullable=False, server_default=text("pg_current_xact_id()")),
    )
    product_id: UUID
    at: datetime = written_at()


class SynonymGroup(SQLModel, table=True):
    """What means the same to search: words, or a few words each, as staff wrote them."""

    __tablename__ = "synonym_groups"
    __table_args__ = (Index("ix_synonym_groups_newest", text("created_at DESC"), text("id DESC")),)

    id: UUID = uuid7_key()
    words: list[str] = Field(sa_column=Column(postgresql.ARRAY(Text), nullable=False))
    created_at: datetime = written_at()
    updated_at: datetime = written_at()
