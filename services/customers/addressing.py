"""The address book: one address at most is the default, and while there is any, one is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import NotFound, TooManyAddresses
from models.customers import Address
from services.customers.profile import lock

MAX_ADDRESSES = 50
"""Of one customer: a person needs a few, a script that writes them needs an end."""

PARTS = ("full_name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
"""What an address says, as an order keeps it."""


async def page(
    session: AsyncSession, user_id: UUID, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Address]:
    """The newest first. `after` is (created_at, id) of the last one seen."""
    statement = select(Address).where(col(Address.user_id) == user_id)
    if after is not None:
        statement = statement.where(tuple_(col(Address.created_at), col(Address.id)) < after)
    ordered = statement.order_by(col(Address.created_at).desc(), col(Address.id).desc()).limit(limit)
    return list((await session.execute(ordered)).scalars())


async def one(session: AsyncSession, user_id: UUID, address_id: UUID) -> Address:
    """Raises NotFound for another's and for none at all."""
    statement = select(Address).where(col(Address.id) == address_id, col(Address.user_id) == user_id)
    address: Address | None = (await session.execute(statement)).scalar_one_or_none()
    if address is None:
        raise NotFound("There is no such address of yours.")
    return address


async def held(session: AsyncSession, user_id: UUID, address_id: UUID) -> Address:
    """The same, and nobody else changes it until the transaction ends. Raises NotSignedIn too."""
    await lock(session, user_id)
    return await one(session, user_id, address_id)


def parts_of(address: Address) -> dict[str, Any]:
    return {part: getattr(address, part) for part in PARTS}


async def add(session: AsyncSession, user_id: UUID, parts: dict[str, Any], as_default: bool) -> UUID:
    """`parts` are checked. The first address becomes the default. Raises TooManyAddresses, NotSignedIn."""
    await lock(session, user_id)
    count = select(func.count()).select_from(Address).where(col(Address.user_id) == user_id)
    kept = (await session.execute(count)).scalar_one()
    if kept >= MAX_ADDRESSES:
        raise TooManyAddresses(f"An address book holds {MAX_ADDRESSES} addresses.")
    address = Address(user_id=user_id, **parts)
    session.add(address)
    await session.flush()
    if as_default or kept == 0:
        await _make_default(session, address)
    return address.id


async def change(
    session: AsyncSession, user_id: UUID, address_id: UUID, parts: dict[str, Any], as_default: bool
) -> Address:
    """The default stays it until another is named. Raises NotFound, NotSignedIn."""
    address = await held(session, user_id, address_id)
    address.sqlmodel_update(parts)
    if as_default:
        await _make_default(session, address)
    await session.flush()
    return address


async def remove(session: AsyncSession, user_id: UUID, address_id: UUID) -> None:
    """The default passes on to the newest of those that are left. Raises NotFound, NotSignedIn."""
    address = await held(session, user_id, address_id)
    await session.delete(address)
    await session.flush()
    if address.is_default and (left := await page(session, user_id, 1)):
        await _make_default(session, left[0])


async def _make_default(session: AsyncSession, address: Address) -> None:
    before = update(Address).where(
        col(Address.user_id) == address.user_id, col(Address.is_default), col(Address.id) != address.id
    )
    await session.execute(before.values(is_default=False))
    address.is_default = True
    await session.flush()
