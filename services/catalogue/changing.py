"""Changing and deleting products. Whoever changes one holds its row, so that two changes never mix."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, exists, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CategoryUnknown, InUse, NotFound, Stale, TooManyAttributes
from models.catalogue import Category, FormerSlug, Product, ProductBody, Variant
from models.orders import CheckoutRequest, OrderLine
from services import audit, inventory, search_changes
from services.audit import Actor
from services.catalogue import publishing, slugs
from services.catalogue.drafts import LARGEST_ATTRIBUTES, MAX_ATTRIBUTES, ProductChange
from services.catalogue.reading import named

CLEARED: dict[str, Any] = {"description": "", "images": [], "brand": None}
"""What a field becomes that is set to null."""


async def change(
    session: AsyncSession, id_or_slug: str, wanted: ProductChange, actor: Actor, *, expected: int | None = None
) -> UUID:
    """Nothing is written, and no version passes, when it is all so already.

    Raises NotFound, Stale when `expected` is not its version, CategoryUnknown, SlugTaken and TooManyAttributes.
    """
    product = await locked(session, id_or_slug, expected)
    said = wanted.model_dump(exclude_unset=True)
    old_slug, new_slug = product.slug, said.pop("slug", product.slug)
    changed = _apply(product, await _columns(session, product, said))
    if new_slug != old_slug:
        await slugs.rename(session, product.id, old_slug, new_slug)
        changed.append("slug")
    if changed:
        await written(session, product, actor, "product.change", fields=changed)
    return product.id


async def remove(session: AsyncSession, id_or_slug: str, actor: Actor, *, expected: int | None = None) -> None:
    """With its variants, their stock and its ledger. Raises NotFound, Stale, and InUse when orders refer to it."""
    product = await locked(session, id_or_slug, expected, for_good=True)
    skus = await lock_skus(session, product.id)
    await require_unordered(session, skus)
    await inventory.forget(session, skus)
    for table in (ProductBody, FormerSlug, Variant):
        await session.execute(delete(table).where(col(table.product_id) == product.id))
    await session.delete(product)
    await session.flush()
    await search_changes.append(session, [product.id])
    await audit.record(session, actor, "product.delete", "product", product.id, slug=product.slug, skus=skus)


async def locked(session: AsyncSession, id_or_slug: str, expected: int | None, *, for_good: bool = False) -> Product:
    """The product's row, held until the end of the transaction; `for_good` against orders that would refer to it."""
    statement = select(Product).where(named(id_or_slug)).with_for_update(key_share=not for_good)
    statement = statement.execution_options(populate_existing=True)
    product = (await session.execute(statement)).scalar_one_or_none()
    if product is None:  # or it got another slug while we waited for it: this one leads to it still
        product = (await session.execute(statement)).scalar_one_or_none()
    if product is None:
        raise NotFound("There is no such product.")
    if expected is not None and product.version != expected:
        raise Stale(version=product.version)
    return product


async def written(session: AsyncSession, product: Product, actor: Actor, action: str, **details: Any) -> None:
    """What every change of a product or its variants ends with: one version more, published and audited."""
    await publishing.next_version(session, [product.id])
    await publishing.publish(session, [product.id])
    await audit.record(session, actor, action, "product", product.id, version=product.version, **details)


async def lock_skus(session: AsyncSession, product_id: UUID, sku: str | None = None) -> list[str]:
    """The product's SKUs, or this one of them. An order that is being placed waits until the transaction ends."""
    wanted = col(Variant.sku) == sku if sku is not None else true()
    statement = select(col(Variant.sku)).where(col(Variant.product_id) == product_id, wanted)
    return list((await session.execute(statement.order_by(col(Variant.sku)).with_for_update())).scalars())


async def require_unordered(session: AsyncSession, skus: list[str]) -> None:
    """Raises InUse when orders refer to one of these, or checkouts that are being made."""
    ordered = exists().where(col(OrderLine.sku).in_(skus))
    asked_for = or_(false(), *(col(CheckoutRequest.lines).contains([{"sku": sku}]) for sku in skus))
    being_ordered = exists().where(col(CheckoutRequest.outcome).is_(None), asked_for)
    if (await session.execute(select(or_(ordered, being_ordered)))).scalar_one():
        raise InUse("Orders refer to it. Archive the product instead: nobody sees it then.", by="orders")


async def _columns(session: AsyncSession, product: Product, said: dict[str, Any]) -> dict[str, Any]:
    columns = {name: CLEARED.get(name) if value is None else value for name, value in said.items()}
    if "category" in columns:
        columns["category_id"] = await _category(session, columns.pop("category"))
    if "attributes" in columns:
        columns["attributes"] = _merged(product.attributes, said["attributes"])
    return columns


async def _category(session: AsyncSession, slug: str | None) -> UUID | None:
    if slug is None:
        return None
    statement = select(col(Category.id)).where(col(Category.slug) == slug).with_for_update(read=True, key_share=True)
    category_id = (await session.execute(statement)).scalar_one_or_none()
    if category_id is None:
        raise CategoryUnknown(f"There is no category {slug}.", category=slug)
    return category_id


def _merged(old: dict[str, Any], said: dict[str, Any] | None) -> dict[str, Any]:
    """Name by name, as JSON Merge Patch (RFC 7396) does."""
    if said is None:
        return {}
    merged = {name: value for name, value in {**old, **said}.items() if value is not None}
    if len(merged) > MAX_ATTRIBUTES or len(orjson.dumps(merged)) > LARGEST_ATTRIBUTES:
        raise TooManyAttributes
    return merged


def _apply(product: Product, columns: dict[str, Any]) -> list[str]:
    """The names of those that were something else. As JSON: to Python true is 1."""
    changed = [name for name, value in columns.items() if _json(getattr(product, name)) != _json(value)]
    for name in changed:
        setattr(product, name, columns[name])
    return changed


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)
