"""Variants of a product that is there: adding, changing, removing. Each is a change of the product."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import LastVariant, NotFound, SkuTaken, VariantsDisagree
from models.catalogue import Variant
from services import inventory
from services.audit import Actor
from services.catalogue.changing import lock_skus, locked, require_unordered, written
from services.catalogue.drafts import Facet, VariantChange, VariantDraft, disagreement
from services.catalogue.writing import OPENING


async def add(
    session: AsyncSession,
    id_or_slug: str,
    draft: VariantDraft,
    actor: Actor,
    *,
    threshold: int,
    expected: int | None = None,
) -> UUID:
    """After the others. Raises NotFound, Stale, SkuTaken, VariantsDisagree. `threshold` is of low stock, in units."""
    product = await locked(session, id_or_slug, expected)
    others = await _variants(session, product.id)
    _require_agreement([*map(_facet, others), Facet.of(draft)])
    row = {
        "product_id": product.id,
        "sku": draft.sku,
        "price": draft.price.amount,
        "currency": draft.price.currency,
        "options": draft.options,
        "position": max((variant.position for variant in others), default=-1) + 1,
    }
    made = insert(Variant).values(row).on_conflict_do_nothing(index_elements=["sku"]).returning(col(Variant.sku))
    if (await session.execute(made)).scalar_one_or_none() is None:
        raise SkuTaken(f"There is a SKU {draft.sku} already.", skus=[draft.sku])
    units = {draft.sku: draft.initial_stock}
    await inventory.open_stock(session, units, threshold=threshold, reason=OPENING, actor_id=actor.id)
    await written(session, product, actor, "variant.create", sku=draft.sku)
    return product.id


async def change(
    session: AsyncSession,
    id_or_slug: str,
    sku: str,
    wanted: VariantChange,
    actor: Actor,
    *,
    expected: int | None = None,
) -> UUID:
    """Nothing is written when it is all so already. Raises NotFound, Stale and VariantsDisagree."""
    product = await locked(session, id_or_slug, expected)
    others = await _variants(session, product.id)
    variant = _one(others, sku)
    before = _told(variant)
    said = wanted.model_fields_set
    if "price" in said:
        variant.price, variant.currency = wanted.price.amount, wanted.price.currency
    if "options" in said:
        variant.options = wanted.options or {}
    if "position" in said:
        variant.position = wanted.position
    after = _told(variant)
    if before != after:
        _require_agreement(list(map(_facet, others)))
        changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        await written(session, product, actor, "variant.change", sku=sku, changes=changes)
    return product.id


async def remove(
    session: AsyncSession, id_or_slug: str, sku: str, actor: Actor, *, expected: int | None = None
) -> None:
    """With its stock and the ledger of it. Raises NotFound, Stale, LastVariant, and InUse when orders refer to it."""
    product = await locked(session, id_or_slug, expected)
    others = await _variants(session, product.id)
    variant = _one(others, sku)
    if len(others) == 1:
        raise LastVariant("Delete the product instead, or archive it.")
    await require_unordered(session, await lock_skus(session, product.id, sku))
    await inventory.forget(session, [sku])
    await session.execute(delete(Variant).where(col(Variant.id) == variant.id))
    await written(session, product, actor, "variant.delete", sku=sku)


async def _variants(session: AsyncSession, product_id: UUID) -> list[Variant]:
    """No lock of their own: who changes them holds their product."""
    statement = select(Variant).where(col(Variant.product_id) == product_id)
    return list((await session.execute(statement, execution_options={"populate_existing": True})).scalars())


def _one(variants: list[Variant], sku: str) -> Variant:
    for variant in variants:
        if variant.sku == sku:
            return variant
    raise NotFound(f"The product has no variant {sku}.")


def _facet(variant: Variant) -> Facet:
    return Facet(variant.currency, variant.options)


def _require_agreement(facets: list[Facet]) -> None:
    if complaint := disagreement(facets):
        raise VariantsDisagree(f"{complaint[0].upper()}{complaint[1:]}.")


def _told(variant: Variant) -> dict[str, object]:
    """What can change, as the audit log keeps it."""
    return {
        "price": {"amount": variant.price, "currency": variant.currency},
        "options": variant.options,
        "position": variant.position,
    }
