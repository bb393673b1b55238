"""What staff do over HTTP with orders that their checkout has left."""

from typing import Any
from uuid import UUID

import httpx

from domain.money import Money
from domain.orders import PaymentMethod
from tests.api.conftest import Caller
from tests.api.shopping import add, ordered
from tests.builders import Shop
from tests.fakes.payments import FakePayments

SHIPMENT = {"carrier": "DHL", "tracking_number": "JJD000390007882"}


async def bought(
    caller: Caller, gateway: FakePayments, shop: Shop, lines: dict[str, int] | None = None, *, method: str = "card"
) -> UUID:
    """An order of the caller's that is confirmed, and paid by card or to be paid at the door, of ten of each."""
    lines = lines or {"LAMP": 3}
    for sku in lines:
        if not await shop.rows("SELECT 1 FROM variants WHERE sku = :sku", sku=sku):
            await shop.product(sku)
    if method == "cod":
        return await shop.confirmed(lines, method=PaymentMethod.COD, user_id=caller.user_id)
    order_id = await shop.paid(lines, user_id=caller.user_id)
    payment = await shop.payment(order_id)
    gateway.pay(order_id, Money(payment.amount, payment.currency))
    return order_id


async def bought_by_click(caller: Caller, shop: Shop, quantity: int = 3, **body: Any) -> dict[str, Any]:
    """Through a checkout."""
    await shop.product("LAMP")
    await add(caller, "LAMP", quantity)
    return await ordered(caller, **body)


async def do(caller: Caller, order_id: object, verb: str, body: Any = None, **how: Any) -> httpx.Response:
    return await caller.post(f"/orders/{order_id}/{verb}", json={} if body is None else body, **how)


async def done(caller: Caller, order_id: object, verb: str, body: Any = None, **how: Any) -> dict[str, Any]:
    """The order then."""
    response = await do(caller, order_id, verb, body, **how)
    assert response.status_code == 200, response.text
    order: dict[str, Any] = response.json()
    return order
