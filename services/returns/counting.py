"""Which units of an order may still come back, and what they are worth. The order is locked meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import OverReturn
from domain.orders import ReturnStatus
from models.orders import OrderLine
from models.returns import Return, ReturnLine
from services.fulfilment.shipping import shipped_units

NOT_COMING = (ReturnStatus.REJECTED, ReturnStatus.EXPIRED)
"""Of returns whose units may be returned anew."""


@dataclass(frozen=True)
class Returnable:
    """Of a SKU: the units that may still come back, and what the customer paid for them, in minor units."""

    units: int
    worth: int = 0

    def share(self, units: int) -> int:
        """What so many of them are worth. The last ones take the remainder: all shares add up to the whole."""
        return self.worth * units // self.units


async def of_delivered(session: AsyncSession, order_id: UUID) -> dict[str, Returnable]:
    """By SKU. A delivered order has shipped all its units."""
    lines = select(col(OrderLine.sku), col(OrderLine.quantity), col(OrderLine.line_total))
    sold = (await session.execute(lines.where(col(OrderLine.order_id) == order_id))).all()
    coming = await _coming(session, order_id)
    nothing = Returnable(0)
    return {
        sku: Returnable(units - coming.get(sku, nothing).units, worth - coming.get(sku, nothing).worth)
        for sku, units, worth in sold
    }


async def of_undelivered(session: AsyncSession, order_id: UUID) -> dict[str, Returnable]:
    """By SKU, what was shipped of an order that was not delivered. It is worth nothing: its money is dealt with."""
    shipped = await shipped_units(session, order_id)
    coming = await _coming(session, order_id)
    return {sku: Returnable(units - coming.get(sku, Returnable(0)).units) for sku, units in shipped.items()}


async def _coming(session: AsyncSession, order_id: UUID) -> dict[str, Returnable]:
    """What the order's returns have claimed already."""
    statement = (
        select(col(ReturnLine.sku), func.sum(col(ReturnLine.quantity)), func.sum(col(ReturnLine.amount)))
        .join(Return, col(Return.id) == ReturnLine.return_id)
        .where(col(Return.order_id) == order_id, col(Return.status).not_in(NOT_COMING))
        .group_by(col(ReturnLine.sku))
    )
    return {sku: Returnable(int(units), int(worth)) for sku, units, worth in await session.execute(statement)}


def require_left(wanted: Mapping[str, int], left: Mapping[str, Returnable]) -> None:
    """Raises OverReturn with every line that asks for more than may come back; a SKU that was not sold has none."""
    there = {sku: left[sku].units if sku in left else 0 for sku in wanted}
    over = [{"sku": sku, "requested": units, "left": there[sku]} for sku, units in wanted.items() if units > there[sku]]
    if over:
        skus = ", ".join(str(line["sku"]) for line in over)
        raise OverReturn(f"Not so many units of {skus} can be returned.", lines=over)
