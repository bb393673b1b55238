"""What is held about a person beside what their own routes show."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.accounts import Mail, UserSession
from models.orders import OrderEvent
from models.payments import Refund


async def sessions(session: AsyncSession, user_id: UUID) -> list[UserSession]:
    statement = select(UserSession).where(col(UserSession.user_id) == user_id).order_by(col(UserSession.id))
    return list((await session.execute(statement)).scalars())


async def mails(session: AsyncSession, user_id: UUID) -> list[Mail]:
    statement = select(Mail).where(col(Mail.user_id) == user_id).order_by(col(Mail.id))
    return list((await session.execute(statement)).scalars())


async def refunds(session: AsyncSession, order_ids: Collection[UUID]) -> defaultdict[UUID, list[Refund]]:
    """By order, the oldest first."""
    statement = select(Refund).where(col(Refund.order_id).in_(order_ids)).order_by(col(Refund.created_at))
    found: defaultdict[UUID, list[Refund]] = defaultdict(list)
    for refund in (await session.execute(statement)).scalars():
        found[refund.order_id].append(refund)
    return found


async def events(session: AsyncSession, order_ids: Collection[UUID]) -> defaultdict[UUID, list[OrderEvent]]:
    """By order, the first first: with them a customer's own words, such as why an order was called off."""
    statement = select(OrderEvent).where(col(OrderEvent.order_id).in_(order_ids)).order_by(col(OrderEvent.seq))
    found: defaultdict[UUID, list[OrderEvent]] = defaultdict(list)
    for event in (await session.execute(statement)).scalars():
        found[event.order_id].append(event)
    return found
