"""What staff correct by hand: units at a location, with a reason; units from one location to another; the threshold."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound, Stale, StockChanged
from models.inventory import MovementKind, Stock, StockMovement
from services import audit
from services.audit import Actor
from services.inventory import events
from services.inventory.events import Course
from services.inventory.locations import MAIN, located
from services.inventory.reading import picture, version_of
from services.inventory.shelves import Change, Shelf, booking, keep, listed, lock, lock_at, require_possible, shift


@dataclass(frozen=True)
class Adjustment:
    """Either `delta`, or `set_to` with `expected_on_hand`, which the book must say at that location for it to hold."""

    reason: str
    location: str = MAIN
    delta: int | None = None
    set_to: int | None = None
    expected_on_hand: int | None = None

    def __post_init__(self) -> None:
        given = self.delta is not None, self.set_to is not None, self.expected_on_hand is not None
        if given not in {(True, False, False), (False, True, True)}:
            raise ValueError("give either delta, or set_to and expected_on_hand")

    def delta_on(self, shelf: Shelf) -> int:
        """Raises StockChanged."""
        if self.set_to is None:
            return self.delta or 0
        if shelf.on_hand != self.expected_on_hand:
            raise StockChanged(
                f"There are {shelf.on_hand} units of {shelf.sku} at {shelf.code}, not {self.expected_on_hand}.",
                location=shelf.code,
                on_hand=shelf.on_hand,
                expected_on_hand=self.expected_on_hand,
            )
        return self.set_to - shelf.on_hand


@dataclass(frozen=True)
class Transfer:
    source: str
    destination: str
    quantity: int
    reason: str

    def __post_init__(self) -> None:
        if self.source == self.destination:
            raise ValueError("a transfer is between two locations")


async def adjust(
    session: AsyncSession, actor: Actor, sku: str, adjustment: Adjustment, *, expected: int | None = None
) -> UUID | None:
    """The movement's id; None when the stock is as it shall be already. `expected` is the version that was read.

    Raises NotFound, Stale, StockChanged, BelowReserved, TooManyUnits.
    """
    location = await located(session, adjustment.location)
    shelves = await _locked(session, sku, expected, location.id)
    [shelf] = [shelf for shelf in shelves if shelf.location_id == location.id]
    change = Change(shelf, on_hand=adjustment.delta_on(shelf))
    if change.on_hand == 0:
        return None
    require_possible([change])
    changes = listed([change])
    ledger = booking(changes, MovementKind.ADJUSTMENT, adjustment.reason, actor_id=actor.id)
    movement_id: UUID = (await session.execute(ledger.returning(col(StockMovement.id)))).scalar_one()
    await shift(session, changes)
    details = {"location": shelf.code, "delta": change.on_hand, "movement_id": str(movement_id)}
    await audit.record(session, actor, "stock.adjust", "stock", sku, **details)
    return movement_id


async def transfer(
    session: AsyncSession, actor: Actor, sku: str, wanted: Transfer, *, expected: int | None = None
) -> None:
    """Two movements that add up to nothing. Units that orders hold stay where they are.

    Raises NotFound, Stale, BelowReserved, TooManyUnits.
    """
    source, destination = await located(session, wanted.source), await located(session, wanted.destination)
    shelves = {shelf.location_id: shelf for shelf in await _locked(session, sku, expected, destination.id)}
    if source.id not in shelves:
        raise NotFound(f"There is no {sku} at {wanted.source}.", location=wanted.source)
    moved = [
        Change(shelves[source.id], on_hand=-wanted.quantity),
        Change(shelves[destination.id], on_hand=wanted.quantity),
    ]
    require_possible(moved)
    changes = listed(moved)
    await shift(session, changes, booking(changes, MovementKind.TRANSFER, wanted.reason, actor_id=actor.id))
    details = {"from": wanted.source, "to": wanted.destination, "quantity": wanted.quantity}
    await audit.record(session, actor, "stock.transfer", "stock", sku, **details)


async def set_threshold(
    session: AsyncSession, actor: Actor, sku: str, threshold: int, *, expected: int | None = None
) -> None:
    """A SKU that is low by the new threshold and was not by the old one is an event. Raises NotFound, Stale."""
    await _locked(session, sku, expected)
    before = await picture(session, sku)
    if threshold == before.low_stock_threshold:
        return
    changed = update(Stock).where(col(Stock.sku) == sku)
    await session.execute(changed.values(low_stock_threshold=threshold, version=Stock.version + 1))
    there = before.available
    await events.tell(session, [Course(sku, there, there, threshold, threshold_before=before.low_stock_threshold)])
    await audit.record(session, actor, "stock.set_threshold", "stock", sku, threshold=threshold)


async def _locked(
    session: AsyncSession, sku: str, expected: int | None, location_id: UUID | None = None
) -> list[Shelf]:
    """The SKU's rows, with one at this location. Raises NotFound, and Stale for another version than the one read."""
    await keep(session, [sku])
    shelves = await lock(session, [sku])
    if expected is not None and shelves and expected != await version_of(session, sku):
        raise Stale
    if location_id is not None and location_id not in {shelf.location_id for shelf in shelves}:
        shelves = await lock_at(session, [sku], location_id)
    if not shelves:
        raise NotFound(f"There is no SKU {sku}.")
    return shelves
