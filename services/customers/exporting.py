"""What is held about a person beside what their own routes show."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.accounts import Mail, UserSession


async def sessions(session: AsyncSession, user_id: UUID) -> list[UserSession]:
    statement = select(UserSession).where(col(UserSession.user_id) == user_id).order_by(col(UserSession.id))
    return list((await session.execute(statement)).scalars())


async def mails(session: AsyncSession, user_id: UUID) -> list[Mail]:
    statement = select(Mail).where(col(Mail.user_id) == user_id).order_by(col(Mail.id))
    return list((await session.execute(statement)).scalars())
