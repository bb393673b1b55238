"""Reconciliations and the differences that they found."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.messages.reconciliation import DifferenceKind
from models.payments import Reconciliation, ReconciliationDifference


async def begin(session: AsyncSession, reconciliation_id: UUID, provider: str, window: timedelta) -> Reconciliation:
    """The row of this reconciliation, written now unless it is there."""
    row = {"id": reconciliation_id, "provider": provider, "since": func.now() - window}
    counts = {"compared": 0, "different": 0, "mended": 0}
    await session.execute(insert(Reconciliation).values(row | counts).on_conflict_do_nothing())
    return await get(session, reconciliation_id)


async def get(session: AsyncSession, reconciliation_id: UUID) -> Reconciliation:
    """Raises NotFound."""
    reconciliation = await session.get(Reconciliation, reconciliation_id)
    if reconciliation is None:
        raise NotFound("There is no such reconciliation.")
    return reconciliation


async def note(
    session: AsyncSession,
    reconciliation_id: UUID,
    ref: str,
    order_id: UUID | None,
    kind: DifferenceKind,
    *,
    ours: dict[str, Any],
    theirs: dict[str, Any],
) -> None:
    """A difference, before anything is done about it. Repeating it changes nothing."""
    row = {
        "reconciliation_id": reconciliation_id, "provider_ref": ref, "order_id": order_id, "kind": kind,
        "ours": ours, "theirs": theirs, "mended": False,
    }  # fmt: skip
    await session.execute(insert(ReconciliationDifference).values(row).on_conflict_do_nothing())


async def conclude(session: AsyncSession, reconciliation_id: UUID, ref: str, left: DifferenceKind | None) -> None:
    """Of what was noted about this intent, only `left` is still there."""
    mine = (
        col(ReconciliationDifference.reconciliation_id) == reconciliation_id,
        col(ReconciliationDifference.provider_ref) == ref,
    )
    is_mended = col(ReconciliationDifference.kind).is_distinct_from(left)
    await session.execute(update(ReconciliationDifference).where(*mine).values(mended=is_mended))


async def finish(session: AsyncSession, reconciliation_id: UUID, compared: int) -> Reconciliation:
    """Count what was found. A repetition counts again, and leaves the time as it was."""
    found = select(func.count(), func.count().filter(col(ReconciliationDifference.mended))).where(
        col(ReconciliationDifference.reconciliation_id) == reconciliation_id
    )
    different, mended = (await session.execute(found)).one()
    ended = func.coalesce(col(Reconciliation.finished_at), func.now())
    await session.execute(
        update(Reconciliation)
        .where(col(Reconciliation.id) == reconciliation_id)
        .values(compared=compared, different=different, mended=mended, finished_at=ended)
    )
    return await get(session, reconciliation_id)


async def page(session: AsyncSession, limit: int, after: tuple[datetime, UUID] | None) -> list[Reconciliation]:
    """The newest first."""
    key = (col(Reconciliation.started_at), col(Reconciliation.id))
    statement = select(Reconciliation).order_by(*(column.desc() for column in key)).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*key) < after)
    return list((await session.execute(statement)).scalars())


async def differences(
    session: AsyncSession, reconciliation_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[ReconciliationDifference]:
    """In the order in which they were found."""
    key = (col(ReconciliationDifference.at), col(ReconciliationDifference.id))
    mine = col(ReconciliationDifference.reconciliation_id) == reconciliation_id
    statement = select(ReconciliationDifference).where(mine).order_by(*key).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*key) > after)
    return list((await session.execute(statement)).scalars())
