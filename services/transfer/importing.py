"""An import into the catalogue: batch after batch, each with its refusals and its position in one transaction.

A row is the whole product: what it leaves out is empty, or the default of POST /products. A product that says the same
already is not written. Variants that the file does not have stay, and stock moves only where a SKU is new.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CategoryUnknown, Fact, ImportRunning, SkuTaken, SlugTaken
from models.catalogue import Category
from models.transfer import CatalogueImport, ImportRefusal
from services import audit
from services.audit import Actor
from services.catalogue import writing
from services.catalogue.drafts import ProductDraft
from services.catalogue.writing import Written
from services.transfer.drafting import Batch
from services.transfer.entries import Refusal
from services.transfer.reading import Outline

RESUMED_WITHIN = timedelta(hours=24)
"""After that the catalogue has gone its own way, and the same file begins at its first line."""
PAGE = 1000
FIELDS: dict[type[Fact], str] = {SlugTaken: "slug", SkuTaken: "sku", CategoryUnknown: "category"}
"""What a refusal of the catalogue's is about."""


@dataclass(frozen=True)
class Writer:
    """Who imports; from how many units on stock of a new SKU is low; what happens to a category that is not there."""

    actor: Actor
    low_stock_threshold: int
    makes_categories: bool = False


async def begin(session: AsyncSession, outline: Outline, actor: Actor) -> UUID:
    """A new import of this file."""
    row = insert(CatalogueImport).values(sha256=outline.sha256).returning(col(CatalogueImport.id))
    import_id: UUID = (await session.execute(row)).scalar_one()
    details = {"sha256": outline.sha256, "products": outline.products}
    await audit.record(session, actor, "catalogue.import", "import", import_id, **details)
    return import_id


async def unfinished(session: AsyncSession, outline: Outline) -> UUID | None:
    """The newest import of a file with the same content that broke off."""
    statement = (
        select(col(CatalogueImport.id))
        .where(
            col(CatalogueImport.sha256) == outline.sha256,
            col(CatalogueImport.finished_at).is_(None),
            col(CatalogueImport.started_at) > func.now() - RESUMED_WITHIN,
        )
        .order_by(col(CatalogueImport.id).desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def state(session: AsyncSession, import_id: UUID) -> CatalogueImport:
    """As it stands: how far it came, and what became of the products."""
    statement = select(CatalogueImport).where(col(CatalogueImport.id) == import_id)
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one()


async def write(session: AsyncSession, import_id: UUID, batch: Batch, writer: Writer) -> None:
    """Raises ImportRunning when the import is not where this batch begins: somebody else moved it on."""
    await _claim(session, import_id, batch)
    outcomes = await _upsert(session, list(batch.drafts.values()), writer)
    written = [one for one in outcomes if isinstance(one, Written)]
    refused = batch.refused | {
        line: [Refusal(line, FIELDS.get(type(one), ""), one.detail)]
        for line, one in zip(batch.drafts, outcomes, strict=True)
        if isinstance(one, Fact)
    }
    if refused:
        rows = [_row(import_id, refusal) for line in sorted(refused) for refusal in refused[line]]
        await session.execute(insert(ImportRefusal), rows)
    new = sum(one.is_new for one in written)
    changed = sum(one.is_changed for one in written)
    counts = {"new": new, "changed": changed, "unchanged": len(written) - new - changed, "refused": len(refused)}
    await session.execute(
        update(CatalogueImport)
        .where(col(CatalogueImport.id) == import_id)
        .values({name: getattr(CatalogueImport, name) + count for name, count in counts.items()})
    )


async def finish(session: AsyncSession, import_id: UUID) -> None:
    row = update(CatalogueImport).where(col(CatalogueImport.id) == import_id)
    await session.execute(row.values(finished_at=func.now()))


async def learn_sizes(session: AsyncSession) -> None:
    """Have Postgres look at the tables that grew: it goes on planning for those it knew until it comes to it itself."""
    await session.execute(text("ANALYZE products, product_bodies, variants, stock"))


async def refusals(session: AsyncSession, import_id: UUID, after: int = 0) -> list[ImportRefusal]:
    """The next PAGE of them in the order of the file; `after` is the id of the last one seen."""
    statement = (
        select(ImportRefusal)
        .where(col(ImportRefusal.import_id) == import_id, col(ImportRefusal.id) > after)
        .order_by(col(ImportRefusal.id))
        .limit(PAGE)
    )
    return list((await session.execute(statement)).scalars())


async def _claim(session: AsyncSession, import_id: UUID, batch: Batch) -> None:
    here = (col(CatalogueImport.id) == import_id, col(CatalogueImport.position) == batch.after)
    moved = update(CatalogueImport).where(*here).values(position=batch.position).returning(col(CatalogueImport.id))
    if (await session.execute(moved)).scalar_one_or_none() is None:
        raise ImportRunning


async def _upsert(session: AsyncSession, drafts: list[ProductDraft], writer: Writer) -> list[Written | Fact]:
    if writer.makes_categories:
        await _make_categories(session, {draft.category for draft in drafts if draft.category})
    threshold, actor_id = writer.low_stock_threshold, writer.actor.id
    try:
        async with session.begin_nested():
            return await writing.upsert_many(session, drafts, threshold=threshold, actor_id=actor_id)
    except (SkuTaken, SlugTaken):  # somebody else wrote one of them this moment: the second look sees it
        return await writing.upsert_many(session, drafts, threshold=threshold, actor_id=actor_id)


async def _make_categories(session: AsyncSession, slugs: Collection[str]) -> None:
    """Those that are missing, as roots named after their slugs."""
    if slugs:
        rows = [{"slug": slug, "name": slug.replace("-", " ").capitalize()} for slug in sorted(slugs)]
        await session.execute(insert(Category).values(rows).on_conflict_do_nothing())


def _row(import_id: UUID, refusal: Refusal) -> dict[str, object]:
    """The names of fields come from the file: whatever they hold, they are told in one line."""
    field = "".join(letter if letter.isprintable() else "�" for letter in refusal.field)
    return {"import_id": import_id, "line": refusal.line, "field": field[:120], "reason": refusal.reason[:300]}
