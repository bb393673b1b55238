"""Which slugs are free. One leads to one product for ever: the slug of today, and every one that it had before."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, String, any_, delete, insert, literal, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import SlugTaken
from domain.slugs import numbered, slug_of
from models.catalogue import FormerSlug, Product

RESERVED = frozenset({"export", "import", "suggest"})
"""Paths below /products that are no product."""

FIRST_LOOK = 16
"""Numbers tried in one query; four times as many in each that follows."""


async def free(session: AsyncSession, names: Sequence[str]) -> list[str]:
    """A slug for each name, all distinct. Until they are written somebody else may take one: look again then."""
    bases = [slug_of(name, fallback="product") for name in names]
    found: dict[int, str] = {}
    taken, looked, looking = set(RESERVED), 0, FIRST_LOOK
    while waiting := [place for place in range(len(bases)) if place not in found]:
        numbers = range(looked + 1, looking + 1)
        taken |= await _taken(session, {numbered(bases[place], number) for place in waiting for number in numbers})
        for place in waiting:
            candidates = (numbered(bases[place], number) for number in range(1, looking + 1))
            slug = next((slug for slug in candidates if slug not in taken), None)
            if slug is not None:
                found[place] = slug
                taken.add(slug)
        looked, looking = looking, looking * 4
    return [found[place] for place in range(len(bases))]


async def _taken(session: AsyncSession, slugs: Collection[str]) -> set[str]:
    these = any_(literal(list(slugs), ARRAY(String)))
    now = select(col(Product.slug)).where(col(Product.slug) == these)
    before = select(col(FormerSlug.slug)).where(col(FormerSlug.slug) == these)
    return set((await session.execute(union_all(now, before))).scalars())


async def require_never_used(session: AsyncSession, slugs: Collection[str]) -> None:
    """Asked *after* products were written with these slugs: whoever left one meanwhile was waited for.

    A unique key over two tables cannot be had. Raises SlugTaken for one that led to another product before.
    """
    before = select(col(FormerSlug.slug)).where(col(FormerSlug.slug).in_(slugs)).limit(1)
    if (slug := (await session.execute(before)).scalar_one_or_none()) is not None:
        raise SlugTaken(f"The slug {slug} leads to another product.", slug=slug)


async def rename(session: AsyncSession, product_id: UUID, old: str, new: str) -> None:
    """The old slug goes on leading to the product, which may take it back one day. Raises SlugTaken."""
    taken = SlugTaken(f"The slug {new} leads to another product.", slug=new)
    if new in RESERVED:
        raise taken
    own = delete(FormerSlug).where(col(FormerSlug.slug) == new, col(FormerSlug.product_id) == product_id)
    await session.execute(own)
    try:
        async with session.begin_nested():
            await session.execute(update(Product).where(col(Product.id) == product_id).values(slug=new))
    except IntegrityError as error:
        raise taken from error
    await require_never_used(session, [new])
    await session.execute(insert(FormerSlug).values(slug=old, product_id=product_id))
