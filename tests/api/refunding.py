"""What it takes to ask for money back over HTTP."""

from typing import Any
from uuid import UUID

import httpx

from domain.money import Money
from models.payments import Payment
from tests.api.conftest import Caller
from tests.api.shopping import keyed, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments

SOME = {"amount": usd(500), "reason": "one came scratched"}


async def paid(shop: Shop, gateway: FakePayments, order_id: UUID) -> Payment:
    """The order's payment, which the provider knows of."""
    payment = await shop.payment(order_id)
    gateway.pay(order_id, Money(payment.amount, payment.currency))
    return payment


async def ask(caller: Caller, payment: Payment, body: dict[str, Any] = SOME, key: str | None = None) -> httpx.Response:
    return await caller.post(f"/payments/{payment.id}/refunds", json=body, headers=keyed(key))
