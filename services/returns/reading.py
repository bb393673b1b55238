"""Reading returns: whole, with their lines and their refund, in a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.orders import RefundStatus, ReturnStatus
from models.orders import OrderLine
from models.payments import Refund
from models.returns import Return, ReturnLine
from services.orders.reading import Viewer


@dataclass(frozen=True)
class NamedLine:
    """As it was called when it was sold. `amount` in minor units of the return's currency."""

    sku: str
    name: str
    quantity: int
    amount: int


@dataclass
class WholeReturn:
    """`refund` is the one that counts: a refusal's only until there is another."""

    row: Return
    lines: list[NamedLine] = field(default_factory=list)
    refund: Refund | None = None


@dataclass(frozen=True)
class ReturnFilter:
    """None asks for all."""

    order_id: UUID | None = None
    status: ReturnStatus | None = None


async def one(session: AsyncSession, return_id: UUID, viewer: Viewer) -> WholeReturn:
    """Raises NotFound for another's and for none at all."""
    found = await _complete(session, _visible(viewer).where(col(Return.id) == return_id))
    if not found:
        raise NotFound("There is no such return.")
    return found[0]


async def page(
    session: AsyncSession, viewer: Viewer, wanted: ReturnFilter, limit: int, after: tuple[datetime, UUID] | None
) -> list[WholeReturn]:
    """The newest first. `after` is (created_at, id) of the last one seen."""
    statement = _visible(viewer)
    for name, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(col(getattr(Return, name)) == value)
    if after is not None:
        statement = statement.where(tuple_(col(Return.created_at), col(Return.id)) < after)
    newest = statement.order_by(col(Return.created_at).desc(), col(Return.id).desc())
    return await _complete(session, newest.limit(limit))


async def left_behind(session: AsyncSession, unstarted: timedelta, overdue: timedelta, limit: int) -> list[Return]:
    """That no workflow has taken up for so long, or whose workflow should have been done so long ago: somebody may
    have ended it."""
    due = func.coalesce(col(Return.deadline_at), col(Return.received_at))
    is_unstarted = col(Return.started_at).is_(None) & (col(Return.created_at) < func.now() - unstarted)
    statement = (
        select(Return)
        .where(col(Return.closed_at).is_(None), is_unstarted | (due < func.now() - overdue))
        .order_by(col(Return.started_at).is_not(None), col(Return.created_at))  # those that nobody is at come first
        .limit(limit)
    )
    return list((await session.execute(statement)).scalars())


def _visible(viewer: Viewer) -> Select[Return]:
    statement = select(Return)
    return statement if viewer.is_staff else statement.where(col(Return.user_id) == viewer.user_id)


async def _complete(session: AsyncSession, statement: Select[Return]) -> list[WholeReturn]:
    found = {row.id: WholeReturn(row) for row in (await session.execute(statement)).scalars()}
    if found:
        lines = (
            select(ReturnLine, col(OrderLine.name))
            .join(Return, col(Return.id) == ReturnLine.return_id)
            .join(OrderLine, (col(OrderLine.order_id) == Return.order_id) & (col(OrderLine.sku) == ReturnLine.sku))
            .where(col(ReturnLine.return_id).in_(found))
            .order_by(col(OrderLine.position))
        )
        for line, name in await session.execute(lines):
            found[line.return_id].lines.append(NamedLine(line.sku, name, line.quantity, line.amount))
        refunds = select(Refund).where(col(Refund.return_id).in_(found))
        failed_first = (col(Refund.status) != RefundStatus.FAILED, col(Refund.created_at))
        for refund in (await session.execute(refunds.order_by(*failed_first))).scalars():
            found[cast("UUID", refund.return_id)].refund = refund
    return list(found.values())
