"""Opening a session and saying line by line what is there."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, delete, func, insert, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound, StockSessionClosed, StockSessionFull
from models.catalogue import Variant
from models.inventory import Stock, StockSession, StockSessionKind, StockSessionLine, StockSessionStatus
from services import audit
from services.audit import Actor
from services.inventory.locations import located

MOST_LINES = 1000
"""Applied in one transaction, which locks the stock of every line meanwhile."""


async def open_session(
    session: AsyncSession, actor: Actor, kind: StockSessionKind, location: str, reference: str
) -> UUID:
    """Its id. Raises NotFound for a location that is not there."""
    place = await located(session, location)
    row = {"kind": kind, "location_id": place.id, "reference": reference, "opened_by": actor.id}
    opened = insert(StockSession).values(**row).returning(col(StockSession.id))
    session_id: UUID = (await session.execute(opened)).scalar_one()
    await _record(session, actor, "open", session_id, kind=kind, location=location)
    return session_id


async def put_line(session: AsyncSession, actor: Actor, session_id: UUID, sku: str, quantity: int) -> StockSessionLine:
    """What was received or counted of a SKU, in the place of what was said of it before.

    Raises NotFound, StockSessionClosed, StockSessionFull.
    """
    found = await require_open(session, session_id)
    here = col(Stock.sku) == Variant.sku, col(Stock.location_id) == found.location_id
    book = func.coalesce(select(col(Stock.on_hand)).where(*here).scalar_subquery(), 0)
    expected = book if found.kind == StockSessionKind.COUNT else literal(None, Integer)
    row = select(literal(session_id), col(Variant.sku), literal(quantity), expected).where(col(Variant.sku) == sku)
    row = row.with_for_update(read=True, key_share=True, of=Variant)  # not one that is being deleted
    columns = ["session_id", "sku", "quantity", "expected_on_hand"]
    line = postgresql.insert(StockSessionLine).from_select(columns, row, include_defaults=False)
    new = {name: line.excluded[name] for name in ("quantity", "expected_on_hand")}
    put = line.on_conflict_do_update(index_elements=["session_id", "sku"], set_=new | {"at": func.now()})
    written: StockSessionLine | None = (
        await session.execute(put.returning(StockSessionLine), execution_options={"populate_existing": True})
    ).scalar_one_or_none()
    if written is None:
        raise NotFound(f"There is no SKU {sku}.")
    lines = select(func.count()).where(col(StockSessionLine.session_id) == session_id)
    if (await session.execute(lines)).scalar_one() > MOST_LINES:
        raise StockSessionFull(f"A session has at most {MOST_LINES} lines: open another.", most=MOST_LINES)
    await _record(session, actor, "put_line", session_id, sku=sku, quantity=quantity)
    return written


async def remove_line(session: AsyncSession, actor: Actor, session_id: UUID, sku: str) -> None:
    """Raises NotFound, StockSessionClosed."""
    await require_open(session, session_id)
    line = col(StockSessionLine.session_id) == session_id, col(StockSessionLine.sku) == sku
    gone = await session.execute(delete(StockSessionLine).where(*line).returning(col(StockSessionLine.sku)))
    if gone.scalar_one_or_none() is None:
        raise NotFound(f"The session has no line for {sku}.")
    await _record(session, actor, "remove_line", session_id, sku=sku)


async def require_open(session: AsyncSession, session_id: UUID) -> StockSession:
    """Locked. Raises NotFound, StockSessionClosed."""
    found = await session.get(StockSession, session_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such session.")
    if found.status != StockSessionStatus.OPEN:
        raise StockSessionClosed(f"The session is {found.status}: open another.", session_status=found.status)
    return found


async def _record(session: AsyncSession, actor: Actor, verb: str, session_id: UUID, **details: Any) -> None:
    await audit.record(session, actor, f"stock_session.{verb}", "stock_session", session_id, **details)
