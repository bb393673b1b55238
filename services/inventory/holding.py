"""What an order does to stock: hold and its release, the sale and its compensation.

The order's `reservation_status` is the gate: it is locked first, and changed in the statement that changes the stock,
so that a hold which arrives after its release finds the gate shut. Each step is three statements.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Update, case, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import Insert
from sqlmodel import col

from domain.errors import NotAllowedInState, NotFound, OutOfStock
from domain.orders import ReservationStatus
from models.inventory import MovementKind, Reservation
from models.orders import Order, OrderLine
from services.inventory.locations import place_in_line
from services.inventory.shelves import Change, Shelf, booking, listed, lock, shift

_R = ReservationStatus


async def hold(session: AsyncSession, order_id: UUID) -> None:
    """Reserve every line of the order, or none. Repeating it changes nothing.

    Raises OutOfStock with the lines that are short, and NotAllowedInState when the hold was released before.
    """
    wanted = select(col(Order.reservation_status), col(OrderLine.sku), col(OrderLine.quantity)).outerjoin(
        OrderLine, col(OrderLine.order_id) == Order.id
    )
    rows = await _locked(session, wanted, order_id)
    status = _R(rows[0][0])
    if status is _R.HELD:
        return
    if status is not _R.NONE:
        raise NotAllowedInState("The order's stock was released before it was held.", reservation_status=status.value)
    quantities = {sku: quantity for _, sku, quantity in rows}
    shelves = await lock(session, quantities)
    changes = listed([Change(shelf, reserved=units) for shelf, units in _allocated(quantities, shelves)])
    await shift(session, changes, _holding(order_id, changes), _gate(order_id, _R.HELD))


async def release(
    session: AsyncSession, order_id: UUID, *, expired: bool = False, keep: Mapping[str, int] | None = None
) -> None:
    """Undo a hold, or a sale by a compensating ledger row. Leaves the gate shut even when nothing was held.

    `keep` are units of a sale that have left the house, by SKU: they stay sold.
    """
    status = await _lock_gate(session, order_id)
    if status in (_R.RELEASED, _R.EXPIRED):
        return
    end = _R.EXPIRED if expired and status is _R.HELD else _R.RELEASED
    if status is _R.NONE:
        await session.execute(_gate(order_id, end))
        return
    shelves = await lock(session, _skus(order_id))
    if status is _R.HELD:
        await shift(session, _reserved(order_id, reserved=-1), *_ending(order_id, end))
    elif keep:
        await _release_all_but(session, order_id, shelves, keep)
    else:
        changes = _reserved(order_id, on_hand=1)
        undone = booking(changes, MovementKind.SALE_UNDONE, "order", order_id=order_id)
        await shift(session, changes, undone, *_ending(order_id, end))


async def _release_all_but(
    session: AsyncSession, order_id: UUID, shelves: Sequence[Shelf], keep: Mapping[str, int]
) -> None:
    """The gate stays open at `committed`. What is kept is kept where the order was served from first."""
    places = {(shelf.sku, shelf.location_id): shelf for shelf in shelves}
    sold = select(col(Reservation.sku), col(Reservation.location_id), col(Reservation.quantity)).where(
        col(Reservation.order_id) == order_id, col(Reservation.status) == _R.COMMITTED
    )
    rows = [(places[sku, location_id], units) for sku, location_id, units in await session.execute(sold)]
    kept = dict(keep)
    back = []
    for shelf, units in sorted(rows, key=lambda row: place_in_line(row[0].code)):
        stays = min(units, kept.get(shelf.sku, 0))
        kept[shelf.sku] = kept.get(shelf.sku, 0) - stays
        if units > stays:
            back.append(Change(shelf, on_hand=units - stays))
    if back:
        changes = listed(back)
        undone = booking(changes, MovementKind.SALE_UNDONE, "order", order_id=order_id)
        await shift(session, changes, undone, _shrinking(order_id, changes))


async def commit(session: AsyncSession, order_id: UUID) -> None:
    """Turn the hold into a sale: on_hand and reserved both fall. Raises NotAllowedInState when nothing is held."""
    status = await _lock_gate(session, order_id)
    if status is _R.COMMITTED:
        return
    if status is not _R.HELD:
        raise NotAllowedInState("The order's stock is not held.", reservation_status=status.value)
    await lock(session, _skus(order_id))
    changes = _reserved(order_id, on_hand=-1, reserved=-1)
    sale = booking(changes, MovementKind.SALE, "order", order_id=order_id)
    await shift(session, changes, sale, *_ending(order_id, _R.COMMITTED))


async def _lock_gate(session: AsyncSession, order_id: UUID) -> ReservationStatus:
    [(status,)] = await _locked(session, select(col(Order.reservation_status)), order_id)
    return _R(status)


async def _locked(session: AsyncSession, statement: Select[*tuple[Any, ...]], order_id: UUID) -> Sequence[Any]:
    """Raises NotFound. What is joined must never change: after a wait, the order alone is read anew."""
    locked = statement.where(col(Order.id) == order_id).with_for_update(of=Order)
    rows = (await session.execute(locked)).all()
    if not rows:
        raise NotFound
    return rows


def _allocated(wanted: Mapping[str, int], shelves: Sequence[Shelf]) -> Iterator[tuple[Shelf, int]]:
    """Which shelf gives how many units. Raises OutOfStock with every line that is short."""
    of_sku: defaultdict[str, list[Shelf]] = defaultdict(list)
    for shelf in sorted(shelves, key=lambda shelf: place_in_line(shelf.code)):
        of_sku[shelf.sku].append(shelf)
    there = {sku: sum(shelf.free for shelf in of_sku[sku]) for sku in wanted}
    short = [
        {"sku": sku, "requested": quantity, "available": there[sku]}
        for sku, quantity in sorted(wanted.items())
        if there[sku] < quantity
    ]
    if short:
        raise OutOfStock(f"Not enough stock of {', '.join(str(line['sku']) for line in short)}.", lines=short)
    for sku, quantity in wanted.items():
        left = quantity
        for shelf in of_sku[sku]:
            if units := min(left, shelf.free):
                left -= units
                yield shelf, units


def _holding(order_id: UUID, changes: CTE) -> Insert:
    """The reservations, which end when the order's hold does."""
    rows = (
        select(
            col(Order.id), changes.c.sku, changes.c.location_id, changes.c.reserved,
            literal(_R.HELD.value), col(Order.hold_expires_at),
        )
        .join(changes, true())
        .where(col(Order.id) == order_id)
    )  # fmt: skip
    columns = ["order_id", "sku", "location_id", "quantity", "status", "expires_at"]
    return insert(Reservation).from_select(columns, rows, include_defaults=False)


def _skus(order_id: UUID) -> Select[str]:
    return select(col(Reservation.sku)).where(col(Reservation.order_id) == order_id)


def _reserved(order_id: UUID, *, on_hand: int = 0, reserved: int = 0) -> CTE:
    """What the order reserved, as changes of these signs."""
    units = col(Reservation.quantity)
    return (
        select(
            col(Reservation.sku), col(Reservation.location_id),
            (units * on_hand).label("on_hand"), (units * reserved).label("reserved"),
        )
        .where(col(Reservation.order_id) == order_id)
        .cte("changes")
    )  # fmt: skip


def _ending(order_id: UUID, status: ReservationStatus) -> tuple[Update, Update]:
    reservations = update(Reservation).where(col(Reservation.order_id) == order_id).values(status=status)
    return reservations, _gate(order_id, status)


def _shrinking(order_id: UUID, changes: CTE) -> Update:
    """The reservations without these units; one of which nothing is left is released."""
    units, is_all = col(Reservation.quantity), col(Reservation.quantity) == changes.c.on_hand
    return (
        update(Reservation)
        .where(
            col(Reservation.order_id) == order_id,
            col(Reservation.sku) == changes.c.sku,
            col(Reservation.location_id) == changes.c.location_id,
        )
        .values(
            quantity=case((is_all, units), else_=units - changes.c.on_hand),
            status=case((is_all, literal(_R.RELEASED.value)), else_=col(Reservation.status)),
        )
    )


def _gate(order_id: UUID, status: ReservationStatus) -> Update:
    return update(Order).where(col(Order.id) == order_id).values(reservation_status=status)
