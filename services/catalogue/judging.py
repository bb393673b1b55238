"""What of a batch of drafts can be written: each is compared with what is there, and with those before it."""

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, any_, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CategoryUnknown, Fact, SkuTaken, SlugTaken, VariantsDisagree
from models.catalogue import Category, FormerSlug, Product, Variant
from services.catalogue.drafts import Facet, ProductDraft, disagreement
from services.catalogue.slugs import RESERVED


@dataclass
class Judged:
    """A draft with what it leads to: the product that is there, or a new one, or why it is neither."""

    draft: ProductDraft
    product_id: UUID | None = None
    slug: str | None = None
    category_id: UUID | None = None
    refusal: Fact | None = None


@dataclass
class _There:
    """What is there already, read under the locks that keep it so."""

    slugs: dict[UUID, str]
    by_slug: dict[str, UUID]
    by_sku: dict[str, UUID]
    variants: dict[UUID, dict[str, Facet]]
    categories: dict[str, UUID]


async def judge(session: AsyncSession, drafts: Sequence[ProductDraft], *, only_new: bool) -> list[Judged]:
    """In five queries. A draft leads to the product of its slug or, where it has none, of one of its SKUs."""
    there = await _look(session, drafts)
    judged: list[Judged] = []
    seen_skus: set[str] = set()
    seen: set[UUID | str] = set()
    for draft in drafts:
        one = _find(draft, there)
        one.refusal = _refusal(one, there, seen, seen_skus, only_new=only_new)
        if one.refusal is None:
            seen |= {key for key in (one.product_id, one.slug) if key is not None}
            seen_skus |= {variant.sku for variant in draft.variants}
        judged.append(one)
    return judged


async def _look(session: AsyncSession, drafts: Sequence[ProductDraft]) -> _There:
    slugs = [draft.slug for draft in drafts if draft.slug is not None]
    skus = [variant.sku for draft in drafts for variant in draft.variants]
    now = select(col(Product.slug), col(Product.id)).where(among(col(Product.slug), slugs))
    before = select(col(FormerSlug.slug), col(FormerSlug.product_id)).where(among(col(FormerSlug.slug), slugs))
    by_slug = await pairs(session, union_all(now, before))
    by_sku = await pairs(
        session, select(col(Variant.sku), col(Variant.product_id)).where(among(col(Variant.sku), skus))
    )
    known = list({*by_slug.values(), *by_sku.values()})
    # In the order of their ids, so that two batches never wait for each other.
    locking = select(col(Product.id), col(Product.slug)).where(among(col(Product.id), known)).order_by(col(Product.id))
    locked = await pairs(session, locking.with_for_update(key_share=True))
    own = select(Variant).where(among(col(Variant.product_id), list(locked)))
    variants: defaultdict[UUID, dict[str, Facet]] = defaultdict(dict)
    for variant in (await session.execute(own, execution_options={"populate_existing": True})).scalars():
        variants[variant.product_id][variant.sku] = Facet(variant.currency, variant.options)
    named = [draft.category for draft in drafts if draft.category is not None]
    categories = select(col(Category.slug), col(Category.id)).where(among(col(Category.slug), named))
    kept = categories.order_by(col(Category.id)).with_for_update(read=True, key_share=True)
    return _There(locked, by_slug, by_sku, variants, await pairs(session, kept))


def _find(draft: ProductDraft, there: _There) -> Judged:
    if draft.slug is not None:
        product_id = there.by_slug.get(draft.slug)
    else:
        owners = (there.by_sku.get(variant.sku) for variant in draft.variants)
        product_id = next((owner for owner in owners if owner is not None), None)
    if product_id not in there.slugs:
        product_id = None
    slug = draft.slug if product_id is None else there.slugs[product_id]
    category_id = there.categories.get(draft.category) if draft.category is not None else None
    return Judged(draft, product_id, slug, category_id)


def _refusal(
    one: Judged, there: _There, seen: Container[UUID | str], seen_skus: Container[str], *, only_new: bool
) -> Fact | None:
    draft = one.draft
    is_known = one.product_id is not None
    if draft.slug is not None and ((is_known and only_new) or (not is_known and draft.slug in RESERVED)):
        return SlugTaken(f"The slug {draft.slug} is taken.", slug=draft.slug)
    if one.slug in seen or one.product_id in seen:
        return SlugTaken(f"The product {one.slug} stands there twice.", slug=one.slug)
    skus = [variant.sku for variant in draft.variants]
    taken = [sku for sku in skus if sku in seen_skus or there.by_sku.get(sku, one.product_id) != one.product_id]
    if only_new:
        taken = [sku for sku in skus if sku in there.by_sku]
    if taken:
        return _sku_taken(taken, there)
    if draft.category is not None and one.category_id is None:
        return CategoryUnknown(f"There is no category {draft.category}.", category=draft.category)
    facets = {variant.sku: Facet.of(variant) for variant in draft.variants}
    if one.product_id is not None:
        facets = there.variants[one.product_id] | facets
    complaint = disagreement(list(facets.values()))
    return VariantsDisagree(complaint) if complaint else None


def _sku_taken(skus: list[str], there: _There) -> SkuTaken:
    owners = {sku: there.slugs.get(there.by_sku[sku]) for sku in skus if sku in there.by_sku}
    told = ", ".join(f"{sku} ({owners[sku]})" if owners.get(sku) else sku for sku in skus)
    return SkuTaken(f"Other products have these SKUs already: {told}.", skus=skus)


def among(column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """As IN, with one parameter however many values: Postgres takes 32,767."""
    found: ColumnElement[bool] = column == any_(literal(list(values), ARRAY(column.type)))
    return found


async def pairs(session: AsyncSession, statement: Any) -> dict[Any, Any]:
    """A query of two columns, the first of which is unique."""
    return {row[0]: row[1] for row in await session.execute(statement)}
