"""Notifications, written as whatever tells of something writes them, and what is hinted of without a row."""

from uuid import UUID, uuid4

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.database import Database
from core.news import CHANNEL
from domain.notifications import NoticeKind
from models.notifications import Notification


async def write(session: AsyncSession, user_id: UUID, sku: str = "LAMP") -> UUID:
    """In the session's transaction; its id."""
    values = {"user_id": user_id, "kind": NoticeKind.STOCK_OUT.value, "event": uuid4().hex, "facts": {"sku": sku}}
    statement = insert(Notification).values(values).returning(col(Notification.id))
    return (await session.execute(statement)).scalar_one()


async def told(database: Database, user_id: UUID, sku: str = "LAMP") -> UUID:
    """The same, committed."""
    async with database.transaction() as session:
        return await write(session, user_id, sku)


async def hint(database: Database, topic: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})
