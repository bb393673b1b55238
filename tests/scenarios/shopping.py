"""What the scenarios' shoppers do, and how patient they are."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from devstack.demo.actors import Person

SKU = "TEE-BASIC-BLACK-M"


async def newcomer(api: httpx.AsyncClient) -> Person:
    return await Person.newcomer(api, f"shopper-{uuid4().hex}@example.com")


def new_key() -> str:
    return f"scenario-{uuid4()}"


async def click_until_answered(shopper: Person, key: str, token: str | None = "pm_card_visa") -> dict[str, Any]:
    """The same click again and again, as a client does that gets no answer, until there is an order to show."""
    while True:
        try:
            answer = await shopper.check_out(token, key)
        except httpx.HTTPError:
            await asyncio.sleep(0.2)
            continue
        if answer.status_code == 201:
            order: dict[str, Any] = answer.json()
            return order
        assert answer.status_code in (202, 503), answer.text
        await asyncio.sleep(0.2)


async def settled(staff: Person, order_id: str) -> tuple[str, str]:
    """(order status, payment status), as staff see them; waits for the shopper, the bank and the capture."""
    while True:
        try:
            order = await staff.get(f"/orders/{order_id}")
        except httpx.HTTPError:
            await asyncio.sleep(0.2)
            continue
        if order.get("payment_status") not in ("pending", "requires_action", "authorized", None):
            return order["status"], order["payment_status"]
        await asyncio.sleep(0.05)
