"""What people were told, as they read it: their inboxes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound
from domain.notifications import TO_STAFF
from models.customers import Preferences
from models.notifications import Notification
from models.orders import Order

KEPT_FOR = timedelta(days=180)


@dataclass(frozen=True)
class Told:
    """A notification with the number of its order, where it has one."""

    notification: Notification
    order_number: str | None


@dataclass(frozen=True)
class Standing:
    """How many are unread, and the language that the owner prefers, if any was ever set."""

    unread: int
    language: str | None


def told() -> Select[Notification, str]:
    """Each with its order's number: the rows of `Told`."""
    return select(Notification, col(Order.number)).outerjoin(Order, col(Order.id) == Notification.order_id)


async def page(
    session: AsyncSession,
    user_id: UUID,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    *,
    is_unread: bool | None = None,
) -> list[Told]:
    """The newest first. `after` is (created_at, id) of the last one seen."""
    statement = told().where(col(Notification.user_id) == user_id)
    if is_unread is not None:
        unread = col(Notification.read_at).is_(None)
        statement = statement.where(unread if is_unread else ~unread)
    if after is not None:
        statement = statement.where(tuple_(col(Notification.created_at), col(Notification.id)) < after)
    newest = statement.order_by(col(Notification.created_at).desc(), col(Notification.id).desc()).limit(limit)
    return [Told(*row) for row in await session.execute(newest)]


async def standing(session: AsyncSession, user_id: UUID) -> Standing:
    unread = select(func.count()).where(col(Notification.user_id) == user_id, col(Notification.read_at).is_(None))
    language = select(col(Preferences.language)).where(col(Preferences.user_id) == user_id)
    row = (await session.execute(select(unread.scalar_subquery(), language.scalar_subquery()))).one()
    return Standing(*row)


async def mark(session: AsyncSession, user_id: UUID, notification_id: UUID, *, as_read: bool) -> Told:
    """Read once, it was read then, however often it is said. Raises NotFound for another's and for none at all."""
    now_or_then = func.coalesce(col(Notification.read_at), func.now())
    number = select(col(Order.number)).where(col(Order.id) == Notification.order_id)
    statement = (
        update(Notification)
        .where(col(Notification.id) == notification_id, col(Notification.user_id) == user_id)
        .values(read_at=now_or_then if as_read else None)
        .returning(Notification, number.scalar_subquery())
    )
    marked = (await session.execute(statement)).one_or_none()
    if marked is None:
        raise NotFound("There is no such notification of yours.")
    return Told(*marked)


async def mark_all(session: AsyncSession, user_id: UUID) -> int:
    """How many were unread until now."""
    unread = (col(Notification.user_id) == user_id, col(Notification.read_at).is_(None))
    marked = update(Notification).where(*unread).values(read_at=func.now()).returning(col(Notification.id))
    return len((await session.execute(marked)).all())


async def forget_old(session: AsyncSession) -> None:
    """Delete what was read and is old, and what staff never looked at: what it asked for is long done."""
    oldest = select(func.uuidv7(-KEPT_FOR)).scalar_subquery()  # ids are made of the time, and the key is their index
    is_over = or_(col(Notification.read_at).is_not(None), col(Notification.kind).in_(TO_STAFF))
    await session.execute(delete(Notification).where(col(Notification.id) < oldest, is_over))
