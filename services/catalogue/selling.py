"""What a SKU costs and is called at this moment, and how many units of it can be bought."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.money import Money
from models.catalogue import Product, ProductStatus, Variant
from models.inventory import Stock


@dataclass(frozen=True)
class Offer:
    """A SKU as it can be bought now. `sold` is False when its product is no longer active."""

    sku: str
    product_id: UUID
    name: str
    price: Money
    available: int
    sold: bool

    def is_sold_in(self, currency: str | None) -> bool:
        """Whether it can be in a cart of this currency; None is that of an empty cart."""
        return self.sold and currency in (None, self.price.currency)


async def offers(session: AsyncSession, skus: Iterable[str]) -> dict[str, Offer]:
    """By SKU, in one query; an unknown SKU is absent."""
    units = func.coalesce(func.sum(Stock.on_hand - Stock.reserved), 0)
    statement = (
        select(
            col(Variant.sku), col(Variant.price), col(Variant.currency),
            col(Product.id), col(Product.name), col(Product.status), units,
        )
        .join(Product, col(Product.id) == Variant.product_id)
        .outerjoin(Stock, col(Stock.sku) == Variant.sku)
        .where(col(Variant.sku).in_(list(skus)))
        .group_by(col(Variant.id), col(Product.id))
    )  # fmt: skip
    return {
        sku: Offer(sku, product_id, name, Money(price, currency), int(available), status == ProductStatus.ACTIVE)
        for sku, price, currency, product_id, name, status, available in (await session.execute(statement)).all()
    }


async def offer(session: AsyncSession, sku: str) -> Offer:
    """Raises NotFound for a SKU that is unknown or no longer sold."""
    found = (await offers(session, [sku])).get(sku)
    if found is None or not found.sold:
        raise NotFound(f"There is no SKU {sku}.")
    return found
