"""The shopper's return and the provider's webhook race each other: either may come first, twice or at once."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client

from tests.api.conftest import Caller
from tests.api.shopping import THREE_D_SECURE, add, ordered
from tests.api.webhooks import deliver, event, intent_of
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker", "signed_webhooks")

RACES = {
    "the return alone": [["return"]],
    "the webhook alone": [["webhook"]],
    "the return first": [["return"], ["webhook"]],
    "the webhook first": [["webhook"], ["return"]],
    "both at once": [["return", "webhook"]],
    "each twice at once": [["return", "webhook", "return", "webhook"]],
    "each twice, one after the other": [["return"], ["webhook"], ["return"], ["webhook"]],
}


@pytest.mark.parametrize("race", RACES.values(), ids=RACES.keys())
async def test_whichever_comes_first_the_order_is_confirmed_and_captured_once(
    race: list[list[str]],
    anonymous: Caller,
    customer: Caller,
    shop: Shop,
    temporal: Client,
    gateway: FakePayments,
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    gateway.finish_3ds(intent_of(order["id"]), paid=True)
    payload = event(order["id"])

    async def tell(what: str) -> int:
        if what == "webhook":
            return (await deliver(anonymous, payload)).status_code
        query = {"payment_intent": intent_of(order["id"])}
        return (await anonymous.get("/payments/return", params=query)).status_code

    for at_once in race:
        answers = await asyncio.gather(*(tell(what) for what in at_once))
        assert answers == [204 if what == "webhook" else 303 for what in at_once]
    result: Any = await temporal.get_workflow_handle(order["workflow_id"]).result()
    assert result["status"] == "confirmed"
    assert (await customer.get(f"/orders/{order['id']}")).json()["payment_status"] == "captured"
    assert (gateway.count("confirm"), gateway.count("capture")) == (1, 1)
    assert await shop.stock("LAMP") == (3, 0)
    await shop.require_invariants()
