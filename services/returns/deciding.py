"""What staff decide about a return before the goods are there, and what its deadlines do."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.notifications import NoticeKind
from domain.orders import ReturnStatus
from models.orders import Order
from models.returns import Return
from services.returns.moving import find, locked, move, tell

BY_DEADLINE = "return"


@dataclass(frozen=True)
class TakenUp:
    """A return as its workflow finds it. `left` of its state's deadline by the database's clock, `whole` since it was
    opened; both nothing where it has none."""

    order_number: str
    status: str
    left: timedelta
    whole: timedelta


async def take_up(session: AsyncSession, return_id: UUID, receipt: timedelta) -> TakenUp:
    """Note that its workflow is at it. The time for the goods of a return that was opened approved begins now.

    Repeating it changes nothing. Raises NotFound.
    """
    is_waited_for = col(Return.status) == ReturnStatus.APPROVED
    deadline = func.coalesce(col(Return.deadline_at), case((is_waited_for, func.now() + receipt)))
    known = (col(Return.order_id), col(Return.status), col(Return.deadline_at), col(Return.created_at), func.now())
    taken = (
        update(Return)
        .where(col(Return.id) == return_id)
        .values(started_at=func.coalesce(col(Return.started_at), func.now()), deadline_at=deadline)
        .returning(*known)
    )
    row = (await session.execute(taken)).one_or_none()
    if row is None:
        raise NotFound("There is no such return.")
    order_id, status, deadline_at, created_at, now = row
    number = (await session.execute(select(col(Order.number)).where(col(Order.id) == order_id))).scalar_one()
    nothing = timedelta(0)
    if deadline_at is None:
        return TakenUp(number, status, nothing, nothing)
    return TakenUp(number, status, max(deadline_at - now, nothing), deadline_at - created_at)


async def approve(session: AsyncSession, return_id: UUID, *, by: str, note: str | None, receipt: timedelta) -> None:
    """The goods may come, within `receipt`. Repeating it changes nothing. Raises NotFound, NotAllowedInState."""
    held = await locked(session, return_id)
    await move(
        session, held, ReturnStatus.APPROVED, by=by, note=note, lasting=receipt, changes={"decided_at": func.now()}
    )


async def reject(session: AsyncSession, return_id: UUID, *, by: str, note: str | None) -> None:
    """Repeating it changes nothing. Raises NotFound, NotAllowedInState."""
    held = await locked(session, return_id)
    await move(session, held, ReturnStatus.REJECTED, by=by, note=note, changes={"decided_at": func.now()})


async def expire(session: AsyncSession, return_id: UUID) -> None:
    """Nobody decided in time, or the goods did not come. Repeating it changes nothing. Raises NotAllowedInState."""
    await move(session, await locked(session, return_id), ReturnStatus.EXPIRED, by=BY_DEADLINE)


async def remind(session: AsyncSession, return_id: UUID) -> None:
    """Tell staff once more that it waits for them."""
    waiting = await find(session, return_id)
    if waiting.status == ReturnStatus.REQUESTED:
        kind, until = NoticeKind.RETURN_WAITING, waiting.deadline_at
        await tell(session, waiting.order_id, return_id, kind, until, occasion=":reminder")
