"""Where the story plays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from core.database import Database
from devstack.demo.actors import Bank, Person, TemporalCommand

SKU = "TEE-BASIC-BLACK-M"


@dataclass
class Stage:
    """Where the story plays. `worker_pid` is that of this moment: the supervisor replaces what dies."""

    api: httpx.AsyncClient
    bank: Bank
    temporal: TemporalCommand
    database: Database
    staff: Person
    worker_pid: Callable[[], int | None]
    say: Callable[[str], None]

    async def shopper(self, number: int = 0) -> Person:
        return await Person.newcomer(self.api, f"demo-shopper-{number}@example.com")

    async def stock(self, sku: str = SKU) -> tuple[int, int]:
        """(on hand, reserved)"""
        picture = await self.staff.get(f"/inventory/{sku}")
        return picture["on_hand"], picture["reserved"]

    async def order(self, order_id: str) -> Any:
        return await self.staff.get(f"/orders/{order_id}")


def price(money: dict[str, Any]) -> str:
    return f"{money['amount'] / 100:.2f} {money['currency']}"
