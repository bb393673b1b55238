"""What somebody who listens has not seen yet: their notifications after a place, an order's events after a number.

Nothing is passed over because it was committed late: an order's events are numbered under its lock, and notifications
are read in the order of their transactions, up to the oldest that still runs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Text, cast, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.orders import MOVES, OrderStatus
from models.base import XID8
from models.customers import Preferences
from models.notifications import Notification
from models.orders import Order, OrderEvent
from models.payments import Payment
from services.inbox import Told, told
from services.orders.reading import WholeOrder

BATCH = 100
"""How much is read, and held in memory for one who listens, before it is sent."""

PLACE = r"[0-9]{1,19}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""How a place is written: a transaction and a notification of it."""

_NOWHERE = UUID(int=0)
_RUNNING = func.pg_snapshot_xmin(func.pg_current_snapshot())
"""The oldest transaction that still runs: all that are older have been committed or undone."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Found(Generic[Item]):
    """`is_cut`: there is more already. `is_held_up`: there is more, and it waits for an older transaction, whose end
    nobody hints at. `is_last`: nothing will follow."""

    items: Sequence[Item]
    is_cut: bool = False
    is_held_up: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Place:
    """Among the notifications, as `models.notifications` orders them."""

    xid: int
    id: UUID

    def __str__(self) -> str:
        return f"{self.xid}-{self.id}"

    @classmethod
    def parse(cls, written: str) -> "Place":
        """Raises ValueError unless it is written as PLACE says."""
        if re.fullmatch(PLACE, written) is None:
            raise ValueError("this is not the id of a notification in a stream")
        xid, _, id_ = written.partition("-")
        return cls(int(xid), UUID(id_))


@dataclass(frozen=True)
class Arrived:
    """A notification, its place, and the language that its reader prefers, if any was ever set."""

    place: Place
    told: Told
    language: str | None


@dataclass(frozen=True)
class Happened:
    """An event, and the order as it stands by now."""

    event: OrderEvent
    order: WholeOrder


class Notices:
    """One account's, from a place on that moves with what was found."""

    def __init__(self, user_id: UUID) -> None:
        self._user_id = user_id
        self.topic = f"user:{user_id}"
        self.place = Place(0, _NOWHERE)

    async def start(self, session: AsyncSession, remembered: Place | None) -> None:
        """At the remembered place, or now. A place that is still to come is of another database, such as one that was
        put back in time: that is now too."""
        now = int((await session.execute(select(cast(_RUNNING, Text)))).scalar_one())
        self.place = remembered if remembered and remembered.xid <= now else Place(now, _NOWHERE)

    async def look(self, session: AsyncSession) -> Found[Arrived]:
        xid, id_ = col(Notification.xid), col(Notification.id)
        after = tuple_(cast(cast(literal(str(self.place.xid)), Text), XID8), literal(self.place.id))
        statement = (
            told()
            .add_columns(col(Preferences.language), xid < _RUNNING)
            .outerjoin(Preferences, col(Preferences.user_id) == col(Notification.user_id))
            .where(col(Notification.user_id) == self._user_id, tuple_(xid, id_) > after)
            .order_by(xid, id_)
            .limit(BATCH)
        )
        rows = (await session.execute(statement)).all()
        settled = [
            Arrived(Place(int(notice.xid), notice.id), Told(notice, number), language)
            for notice, number, language, is_settled in rows
            if is_settled
        ]
        if settled:
            self.place = settled[-1].place
        return Found(settled, is_cut=len(settled) == BATCH, is_held_up=len(settled) < len(rows))


class Events:
    """One order's, after a number that moves with what was found."""

    def __init__(self, order_id: UUID, seq: int) -> None:
        self._order_id = order_id
        self.topic = f"order:{order_id}"
        self.seq = seq

    async def look(self, session: AsyncSession) -> Found[Happened]:
        statement = (
            select(OrderEvent, Order, Payment)
            .join(Order, col(Order.id) == col(OrderEvent.order_id))
            .outerjoin(Payment, col(Payment.order_id) == col(Order.id))
            .where(col(OrderEvent.order_id) == self._order_id, col(OrderEvent.seq) > self.seq)
            .order_by(col(OrderEvent.seq))
            .limit(BATCH)
        )
        rows = (await session.execute(statement)).all()
        found = [Happened(event, WholeOrder(order, payment)) for event, order, payment in rows]
        if not found:
            return Found([])
        self.seq = found[-1].event.seq
        is_last = is_over(found[-1].order.order, self.seq)
        return Found(found, is_cut=len(found) == BATCH and not is_last, is_last=is_last)


def is_over(order: Order, seq: int) -> bool:
    """Whether the order is where no move leads on from, and its event `seq` is the last."""
    return not MOVES[OrderStatus(order.status)] and seq >= order.version
