"""Products written from drafts: one that must be new, or a batch that brings the catalogue to what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import Fact, SkuTaken, SlugTaken
from models.catalogue import Product, Variant
from services import audit, inventory
from services.audit import Actor
from services.catalogue import publishing, slugs
from services.catalogue.drafts import ProductDraft
from services.catalogue.judging import Judged, among, judge, pairs

OPENING = "opening stock"

PRODUCT_COLUMNS = ("name", "description", "brand", "category_id", "status", "attributes", "images")
VARIANT_COLUMNS = ("position", "price", "currency", "options")
"""What follows the drafts. A slug, a date and a SKU's product stay what they are."""


@dataclass(frozen=True)
class Written:
    """What a draft led to. A product that says the same already is neither new nor changed."""

    id: UUID
    slug: str
    is_new: bool
    is_changed: bool
    new_skus: frozenset[str]


async def create(session: AsyncSession, draft: ProductDraft, actor: Actor, *, threshold: int) -> UUID:
    """Raises SlugTaken, SkuTaken and CategoryUnknown; `threshold` is of low stock, in units."""
    [made] = await _write(session, [draft], actor.id, threshold, only_new=True)
    if isinstance(made, Fact):
        raise made
    skus = [variant.sku for variant in draft.variants]
    await audit.record(session, actor, "product.create", "product", made.id, slug=made.slug, skus=skus)
    return made.id


async def upsert_many(
    session: AsyncSession, drafts: Sequence[ProductDraft], *, threshold: int, actor_id: UUID | None = None
) -> list[Written | Fact]:
    """For each draft, in their order, what became of it or why it was refused, in a fixed number of statements.

    A draft leads to the product of its slug, one that it had before included; without a slug to that of its SKUs. It
    says all of the product but its variants: those that it does not have stay. Stock is opened for new SKUs alone.
    Raises SkuTaken or SlugTaken when somebody else wrote one of them meanwhile: nothing is written, try again.
    """
    return await _write(session, drafts, actor_id, threshold, only_new=False)


async def _write(
    session: AsyncSession, drafts: Sequence[ProductDraft], actor_id: UUID | None, threshold: int, *, only_new: bool
) -> list[Written | Fact]:
    judged = await judge(session, drafts, only_new=only_new)
    good = [one for one in judged if one.refusal is None]
    if not good:
        return [_outcome(one, set(), set(), set()) for one in judged]
    new = await _insert_products(session, [one for one in good if one.product_id is None])
    touched = new | await _update_products(session, [one for one in good if one.product_id not in new])
    touched |= await _write_variants(session, good)
    if changed := touched - new:
        await publishing.next_version(session, changed)
    units = {variant.sku: variant.initial_stock for one in good for variant in one.draft.variants}
    opened = await inventory.open_stock(session, units, threshold=threshold, reason=OPENING, actor_id=actor_id)
    await publishing.publish(session, touched)
    return [_outcome(one, new, changed, opened) for one in judged]


async def _insert_products(session: AsyncSession, new: Sequence[Judged]) -> set[UUID]:
    """Slugs are made where none was given, and made anew while somebody else is faster."""
    ids: set[UUID] = set()
    while waiting := [one for one in new if one.product_id is None]:
        unnamed = [one for one in waiting if one.draft.slug is None]
        made = await slugs.free(session, [one.draft.name for one in unnamed])
        for one, slug in zip(unnamed, made, strict=True):
            one.slug = slug
        rows = sorted(({"slug": one.slug, "version": 1} | _columns(one) for one in waiting), key=itemgetter("slug"))
        written = insert(Product).on_conflict_do_nothing(index_elements=["slug"])
        result = await session.execute(written.returning(col(Product.slug), col(Product.id)), rows)
        by_slug = {row[0]: row[1] for row in result}
        for one in waiting:
            one.product_id = by_slug.get(one.slug or "")
            if one.product_id is None and one.draft.slug is not None:
                raise SlugTaken(f"The slug {one.slug} is taken.", slug=one.slug)
        ids |= set(by_slug.values())
    if new:
        await slugs.require_never_used(session, [one.slug for one in new if one.slug is not None])
    return ids


async def _update_products(session: AsyncSession, known: Sequence[Judged]) -> set[UUID]:
    """The ids of those that were something else."""
    if not known:
        return set()
    rows = [{"id": one.product_id, "slug": one.slug} | _columns(one) for one in known]
    upsert = _update_where_different(insert(Product), "id", PRODUCT_COLUMNS)
    return set((await session.execute(upsert.returning(col(Product.id)), rows)).scalars())


async def _write_variants(session: AsyncSession, good: Sequence[Judged]) -> set[UUID]:
    """The ids of the products with a variant that is new or changed."""
    rows = [
        {
            "product_id": one.product_id,
            "sku": variant.sku,
            "position": position,
            "price": variant.price.amount,
            "currency": variant.price.currency,
            "options": variant.options,
        }
        for one in good
        for position, variant in enumerate(one.draft.variants)
    ]
    rows.sort(key=itemgetter("sku"))  # so that two batches never wait for each other
    upsert = _update_where_different(insert(Variant), "sku", VARIANT_COLUMNS)
    touched = set((await session.execute(upsert.returning(col(Variant.product_id)), rows)).scalars())
    await _require_own_skus(session, {row["sku"]: row["product_id"] for row in rows})
    return touched


async def _require_own_skus(session: AsyncSession, wanted: dict[Any, Any]) -> None:
    """Asked after they were written: whoever was writing one of them has been waited for."""
    owners = select(col(Variant.sku), col(Variant.product_id)).where(among(col(Variant.sku), list(wanted)))
    taken = [sku for sku, owner in (await pairs(session, owners)).items() if owner != wanted[sku]]
    if taken:
        raise SkuTaken(f"Other products have {', '.join(taken)} already.", skus=taken)


def _columns(one: Judged) -> dict[str, Any]:
    said = one.draft
    return {
        "name": said.name,
        "description": said.description,
        "brand": said.brand,
        "category_id": one.category_id,
        "status": said.status.value,
        "attributes": said.attributes,
        "images": said.images,
    }


def _outcome(one: Judged, new: set[UUID], changed: set[UUID], opened: set[str]) -> Written | Fact:
    if one.refusal is not None:
        return one.refusal
    assert one.product_id is not None and one.slug is not None  # noqa: S101, PT018 — written, so it has both
    skus = frozenset(opened & {variant.sku for variant in one.draft.variants})
    return Written(one.product_id, one.slug, one.product_id in new, one.product_id in changed, skus)


def _update_where_different(statement: Insert, key: str, columns: Sequence[str]) -> Insert:
    """A row that already says the same is not written, and not returned. Nor is one of another product."""
    new, old = statement.excluded, statement.table.c
    differs: list[ColumnElement[bool]] = [old[name].is_distinct_from(new[name]) for name in columns]
    where = or_(*differs)
    if key == "sku":
        where = where & (old["product_id"] == new["product_id"])
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: new[name] for name in columns}, where=where
    )
