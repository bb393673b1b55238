"""The goods are back: on the shelf or written off, and what they cost is claimed, in one transaction."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.orders import RefundStatus, ReturnStatus
from models.orders import OrderLine
from models.payments import Payment, Refund, RefundCause
from models.returns import Return, ReturnCause, ReturnLine
from services import inventory, payments, refunds
from services.refunds import Claim
from services.returns.moving import find, locked, move


async def receive(session: AsyncSession, return_id: UUID, *, by: str, note: str | None, restock: bool) -> None:
    """Repeating it changes nothing, and restocks nothing twice. Raises NotFound, NotAllowedInState, TooManyUnits."""
    await _lock_payment(session, return_id)
    held = await locked(session, return_id)
    kind = "return_received" if restock else "return_written_off"
    changes = {"restock": restock, "received_at": func.now()}
    if not await move(session, held, ReturnStatus.RECEIVED, kind=kind, by=by, note=note, changes=changes):
        return
    if restock:
        lines = select(col(ReturnLine.sku), col(ReturnLine.quantity)).where(col(ReturnLine.return_id) == return_id)
        units = {line.sku: line.quantity for line in await session.execute(lines)}
        await inventory.take_back(session, held.order_id, return_id, units)
    await claim_refund(session, return_id, by=by)


async def claim_refund(session: AsyncSession, return_id: UUID, *, by: str) -> UUID | None:
    """The refund of a received return, claimed unless it is; None where there is nothing to give.

    What its lines are worth, and never more than is left of the payment; all that is left, shipping and the like
    among it, once everything of the order is back. A claim that failed is made anew.
    """
    payment = await _lock_payment(session, return_id)
    held = await locked(session, return_id)
    claimed = select(col(Refund.id)).where(
        col(Refund.return_id) == return_id, col(Refund.status) != RefundStatus.FAILED
    )
    known: UUID | None = (await session.execute(claimed)).scalar_one_or_none()
    if known is not None or payment is None or held.cause == ReturnCause.UNDELIVERED:
        return known
    left = await refunds.left(session, payment)
    amount = left if await _is_all_back(session, held.order_id) else min(held.refund_amount, left)
    if amount == 0:
        return None
    wanted = Claim(RefundCause.RETURN, requested_by=by, amount=amount, return_id=return_id)
    return (await refunds.claim(session, payment, wanted)).id


async def close(session: AsyncSession, return_id: UUID, *, by: str) -> ReturnStatus:
    """Nothing more is to be done: `refunded` where its money is on its way, else it stays `received`."""
    held = await locked(session, return_id)
    given = select(col(Refund.id)).where(
        col(Refund.return_id) == return_id, col(Refund.status) == RefundStatus.SUCCEEDED
    )
    if (await session.execute(given)).scalar_one_or_none() is not None:
        await move(session, held, ReturnStatus.REFUNDED, by=by)
        return ReturnStatus.REFUNDED
    closed = update(Return).where(col(Return.id) == return_id, col(Return.closed_at).is_(None))
    await session.execute(closed.values(closed_at=func.now()))
    return ReturnStatus(held.status)


async def _lock_payment(session: AsyncSession, return_id: UUID) -> Payment | None:
    return await payments.locked_if_any(session, (await find(session, return_id)).order_id)


async def _is_all_back(session: AsyncSession, order_id: UUID) -> bool:
    sold = select(func.sum(col(OrderLine.quantity))).where(col(OrderLine.order_id) == order_id)
    back = (
        select(func.coalesce(func.sum(col(ReturnLine.quantity)), 0))
        .join(Return, col(Return.id) == ReturnLine.return_id)
        .where(
            col(Return.order_id) == order_id,
            col(Return.status).in_([ReturnStatus.RECEIVED, ReturnStatus.REFUNDED]),
        )
    )
    units = select(sold.scalar_subquery(), back.scalar_subquery())
    were_sold, are_back = (await session.execute(units)).one()
    return bool(were_sold == are_back)
