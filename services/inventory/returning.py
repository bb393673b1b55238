"""What comes back from a customer: onto the shelf that it was sold from."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.inventory import Location, MovementKind, Reservation
from services.inventory.locations import place_in_line
from services.inventory.shelves import Change, booking, listed, lock, require_possible, shift


async def take_back(session: AsyncSession, order_id: UUID, return_id: UUID, units: Mapping[str, int]) -> None:
    """Once per return: the ledger refuses a second time. An order that was served from several locations has all units
    of a SKU put back at the first of them. Raises TooManyUnits.
    """
    origins = await _origins(session, order_id)
    shelves = {(shelf.sku, shelf.location_id): shelf for shelf in await lock(session, units)}
    back = [Change(shelves[sku, origins[sku]], on_hand=quantity) for sku, quantity in units.items()]
    require_possible(back)
    changes = listed(back)
    await shift(session, changes, booking(changes, MovementKind.RETURN, "return", return_id=return_id))


async def _origins(session: AsyncSession, order_id: UUID) -> dict[str, UUID]:
    """By SKU, the first location that it was sold from."""
    statement = (
        select(col(Reservation.sku), col(Location.id), col(Location.code))
        .join(Location, col(Location.id) == Reservation.location_id)
        .where(col(Reservation.order_id) == order_id)
    )
    rows = sorted(await session.execute(statement), key=lambda row: place_in_line(row.code), reverse=True)
    return {row.sku: row.id for row in rows}
