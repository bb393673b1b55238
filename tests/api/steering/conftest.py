"""Orders that have got stuck, and the audit log of what staff did about them."""

from typing import Any

import pytest

from domain.errors import PaymentRefused
from tests.api.conftest import Caller
from tests.api.shopping import add, ordered, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments


@pytest.fixture
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=50)


async def view_of(staff: Caller, order: dict[str, Any]) -> dict[str, Any]:
    answer = await staff.get(f"/orders/{order['id']}/workflow")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def stuck_order(customer: Caller, staff: Caller, gateway: FakePayments, sku: str = "LAMP") -> dict[str, Any]:
    """Confirmed, and its capture refused once; the next try succeeds."""
    gateway.awaiting.append(("capture", PaymentRefused("the authorisation is gone")))
    await add(customer, sku)
    order = await ordered(customer)

    async def is_stuck() -> bool:
        return bool((await view_of(staff, order))["waiting_for"] == "retry_stuck")

    await until(is_stuck)
    return order


async def becomes(staff: Caller, order: dict[str, Any], **expected: str) -> None:
    async def is_so() -> bool:
        found = (await staff.get(f"/orders/{order['id']}")).json()
        return {name: found[name] for name in expected} == expected

    await until(is_so)


async def audited(shop: Shop, order: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What was done to the order, and why, oldest first."""
    rows = await shop.rows(
        "SELECT action, details->>'reason' FROM audit_entries WHERE subject_id = :id ORDER BY at, id", id=order["id"]
    )
    return [(action, reason) for action, reason in rows]
