"""Where stock lies. Orders are served from any location: from the main one first, then by their codes."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import LocationTaken, NotFound
from models.inventory import Location
from services import audit
from services.audit import Actor

MAIN = "main"
"""Of the location that every shop has: it is made by the first migration."""


def place_in_line(code: str) -> tuple[bool, str]:
    """Sorts codes as orders are served from them."""
    return code != MAIN, code


async def main_location(session: AsyncSession) -> UUID:
    return (await located(session, MAIN)).id


async def located(session: AsyncSession, code: str) -> Location:
    """Raises NotFound."""
    found: Location | None = (
        await session.execute(select(Location).where(col(Location.code) == code))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no location {code}.", location=code)
    return found


async def page(session: AsyncSession, limit: int, after: str | None) -> list[Location]:
    """By their codes. `after` is the last one seen."""
    statement = select(Location).where(col(Location.code) > (after or ""))
    return list((await session.execute(statement.order_by(col(Location.code)).limit(limit))).scalars())


async def create(session: AsyncSession, actor: Actor, code: str, name: str) -> str:
    """Its code. Raises LocationTaken."""
    written = insert(Location).values(code=code, name=name).on_conflict_do_nothing().returning(col(Location.id))
    if (await session.execute(written)).scalar_one_or_none() is None:
        raise LocationTaken(f"There is a location {code} already.", location=code)
    await audit.record(session, actor, "location.create", "location", code)
    return code


async def rename(session: AsyncSession, actor: Actor, code: str, name: str) -> Location:
    """Raises NotFound."""
    location = await located(session, code)
    location.name = name
    await audit.record(session, actor, "location.rename", "location", code)
    return location
