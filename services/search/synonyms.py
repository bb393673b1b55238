"""What means the same to search, kept by staff. A query is widened by it, so that no document has to be made anew."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.search import words
from domain.search_tiers import Phrase, synonyms_of
from models.catalogue import SynonymGroup
from services import search_changes

CHANGED = UUID(int=0)
"""Stands in the outbox for the synonyms, as a product's id does for the product."""


async def page(session: AsyncSession, limit: int, after: tuple[datetime, UUID] | None) -> list[SynonymGroup]:
    """The newest first. `after` is (created_at, id) of the last one seen."""
    key = (col(SynonymGroup.created_at), col(SynonymGroup.id))
    statement = select(SynonymGroup).order_by(*(column.desc() for column in key)).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*key) < after)
    return list((await session.execute(statement)).scalars())


async def one(session: AsyncSession, group_id: UUID) -> SynonymGroup:
    """Raises NotFound."""
    group = await session.get(SynonymGroup, group_id, populate_existing=True)
    if group is None:
        raise NotFound("There is no such group of synonyms.")
    return group


async def create(session: AsyncSession, said: Sequence[str]) -> UUID:
    group = SynonymGroup(words=list(said))
    session.add(group)
    await session.flush()
    await search_changes.append(session, [CHANGED])
    return group.id


async def change(session: AsyncSession, group_id: UUID, said: Sequence[str]) -> None:
    """Raises NotFound."""
    changed = update(SynonymGroup).where(col(SynonymGroup.id) == group_id).values(words=said, updated_at=func.now())
    await _require_one(session, changed.returning(col(SynonymGroup.id)))


async def remove(session: AsyncSession, group_id: UUID) -> None:
    """Raises NotFound."""
    removed = delete(SynonymGroup).where(col(SynonymGroup.id) == group_id)
    await _require_one(session, removed.returning(col(SynonymGroup.id)))


async def table(session: AsyncSession) -> str:
    """All of them as the index keeps them, in an order that follows from what they are."""
    groups = (await session.execute(select(col(SynonymGroup.words)))).scalars()
    return json.dumps(sorted(sorted({" ".join(words(said)) for said in group}) for group in groups))


def version_of(table: str) -> str:
    return sha256(table.encode()).hexdigest()[:16]


def read_table(table: str) -> dict[Phrase, tuple[Phrase, ...]]:
    return synonyms_of([tuple(said.split()) for said in group] for group in json.loads(table))


async def _require_one(session: AsyncSession, statement: object) -> None:
    if (await session.execute(statement)).scalar_one_or_none() is None:  # type: ignore[call-overload]
        raise NotFound("There is no such group of synonyms.")
    await search_changes.append(session, [CHANGED])
