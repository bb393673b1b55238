"""Refunds of a payment, and those that nobody has begun with."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.orders import RefundStatus
from models.payments import Refund, RefundCause
from services import payments
from services.orders.reading import Viewer


async def get(session: AsyncSession, refund_id: UUID) -> Refund:
    """Raises NotFound."""
    refund = await session.get(Refund, refund_id)
    if refund is None:
        raise NotFound("There is no such refund.")
    return refund


async def visible(session: AsyncSession, refund_id: UUID, viewer: Viewer) -> Refund:
    """Raises NotFound for a refund of another's payment, or none at all."""
    refund = await get(session, refund_id)
    try:
        await payments.visible(session, refund.payment_id, viewer)
    except NotFound as error:
        raise NotFound("There is no such refund.") from error
    return refund


async def page(
    session: AsyncSession, payment_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> list[Refund]:
    """Of this payment, the newest first. `after` is (created at, id) of the last one seen."""
    statement = select(Refund).where(col(Refund.payment_id) == payment_id)
    if after is not None:
        statement = statement.where(tuple_(col(Refund.created_at), col(Refund.id)) < after)
    ordered = statement.order_by(col(Refund.created_at).desc(), col(Refund.id).desc()).limit(limit)
    return list((await session.execute(ordered)).scalars())


async def unsent(session: AsyncSession, older_than: timedelta) -> list[Refund]:
    """What staff asked for and nobody has done yet: perhaps the message was never sent. The others have senders."""
    statement = select(Refund).where(
        col(Refund.status) == RefundStatus.PENDING,
        col(Refund.cause) == RefundCause.STAFF,
        col(Refund.created_at) < func.now() - older_than,
    )
    return list((await session.execute(statement.order_by(col(Refund.created_at)))).scalars())
