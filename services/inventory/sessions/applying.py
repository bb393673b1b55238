"""The end of a session: every line of it is booked, or none."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import StockSessionClosed
from models.inventory import MovementKind, StockSession, StockSessionKind, StockSessionStatus
from services import audit
from services.audit import Actor
from services.inventory.sessions.gathering import require_open
from services.inventory.sessions.reading import difference, lines_of
from services.inventory.shelves import Change, booking, listed, lock_at, require_possible, shift

_MOVEMENTS = {StockSessionKind.RECEIVE: MovementKind.RECEIPT, StockSessionKind.COUNT: MovementKind.COUNT}


async def apply(session: AsyncSession, actor: Actor, session_id: UUID) -> UUID:
    """Book the differences; the session's id. Applying again changes nothing.

    Raises NotFound, StockSessionClosed for one that was discarded, BelowReserved with the lines that would leave less
    than orders hold, TooManyUnits.
    """
    found = await _close(session, session_id, StockSessionStatus.APPLIED)
    if found is None:
        return session_id
    lines = {line.sku: line for line in await lines_of(session, session_id)}
    shelves = await lock_at(session, lines, found.location_id)
    changes = [
        Change(shelf, on_hand=difference(lines[shelf.sku]))
        for shelf in shelves
        if shelf.location_id == found.location_id and difference(lines[shelf.sku])
    ]
    require_possible(changes)
    if changes:
        table, kind = listed(changes), StockSessionKind(found.kind)
        reason = found.reference or kind.value
        ledger = booking(table, _MOVEMENTS[kind], reason, session_id=session_id, actor_id=actor.id)
        await shift(session, table, ledger)
    details = {"lines": len(lines), "booked": len(changes)}
    await audit.record(session, actor, "stock_session.apply", "stock_session", session_id, **details)
    return session_id


async def discard(session: AsyncSession, actor: Actor, session_id: UUID) -> UUID:
    """Book nothing, ever; the session's id. Raises NotFound, and StockSessionClosed for one that was applied."""
    if await _close(session, session_id, StockSessionStatus.DISCARDED):
        await audit.record(session, actor, "stock_session.discard", "stock_session", session_id)
    return session_id


async def _close(session: AsyncSession, session_id: UUID, status: StockSessionStatus) -> StockSession | None:
    """None when it was closed in this way before."""
    try:
        found = await require_open(session, session_id)
    except StockSessionClosed as closed:
        if closed.facts["session_status"] == status:
            return None
        raise
    end = update(StockSession).where(col(StockSession.id) == session_id)
    await session.execute(end.values(status=status, closed_at=func.now()))
    return found
