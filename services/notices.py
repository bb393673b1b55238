"""Telling people: rows in their inboxes, and the mails that go with them, in the transaction of what they tell of."""

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, String, cast, exists, func, insert, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.notifications import TO_STAFF, NoticeKind
from domain.permissions import Role
from models.accounts import Mail, MailPurpose, User
from models.customers import Preferences
from models.notifications import Notification
from models.orders import Order


async def tell(session: AsyncSession, order_id: UUID, event: object, kind: NoticeKind, **facts: Any) -> None:
    """Tell the customer of this order, or staff where the kind is theirs. Once per (order, event, kind, recipient).

    `event` names the fact that is told of, such as an order event's number. `facts` are JSON, and never personal.
    Nobody is told of an order that is not placed yet.
    """
    is_placed = exists().where(col(Order.id) == order_id)
    people = _staff().where(is_placed) if kind in TO_STAFF else _customer_of(order_id)
    rows = people.add_columns(literal(kind.value), literal(order_id), literal(str(event)), literal(facts, JSONB))
    await _write(session, rows, is_mailed=kind not in TO_STAFF)


async def tell_staff(session: AsyncSession, told: CTE) -> None:
    """Tell everybody of the staff of what is no order's: each row of `told` is an event, a kind and its facts."""
    rows = _staff().join(told, true()).add_columns(told.c.kind, literal(None), cast(told.c.event, String), told.c.facts)
    await _write(session, rows, is_mailed=False)


def _customer_of(order_id: UUID) -> Select[Any]:
    """Nobody where the person was erased. Until the transaction ends, nothing erases them: no address outlives that."""
    customers = select(col(User.id)).join(Order, col(Order.user_id) == User.id)
    present = customers.where(col(Order.id) == order_id, col(User.erased_at).is_(None))
    return present.with_for_update(of=User, read=True, key_share=True)


def _staff() -> Select[Any]:
    return select(col(User.id)).where(col(User.role).in_([Role.STAFF, Role.ADMIN]), col(User.is_active))


async def _write(session: AsyncSession, rows: Select[Any], *, is_mailed: bool) -> None:
    """One statement, mails included."""
    notices = (
        insert_or_skip(Notification)
        .from_select(["user_id", "kind", "order_id", "event", "facts"], rows, include_defaults=False)
        .on_conflict_do_nothing()
        .returning(col(Notification.id), col(Notification.user_id))
    )
    if not is_mailed:
        await session.execute(notices)
        return
    await session.execute(_mails(notices.cte("notices")))


def _mails(notices: CTE) -> Any:
    """To whoever has not declined mails about orders."""
    wanted = (
        select(func.uuidv7(), notices.c.user_id, literal(MailPurpose.NOTICE.value), col(User.email), notices.c.id)
        .join(User, col(User.id) == notices.c.user_id)
        .outerjoin(Preferences, col(Preferences.user_id) == notices.c.user_id)
        .where(
            col(User.is_active),
            func.coalesce(col(Preferences.order_emails), true()),
        )
    )
    columns = ["id", "user_id", "purpose", "recipient", "notification_id"]
    return insert(Mail).from_select(columns, wanted, include_defaults=False)
