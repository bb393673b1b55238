"""The inbox of the providers' webhooks: kept before they are answered, passed on once."""

import asyncio
from uuid import UUID, uuid4

import pytest

from services import payments, webhooks
from tests.builders import Shop

PAYLOAD = {"id": "evt_1", "data": {"object": {"id": "pi_1"}}}


async def keep(shop: Shop, event_id: str = "evt_1", provider: str = "stripe", order_id: UUID | None = None) -> bool:
    async with shop.database.transaction() as session:
        return await webhooks.keep(session, provider, event_id, "payment_intent.succeeded", order_id, PAYLOAD)


async def mark_delivered(shop: Shop, event_id: str = "evt_1") -> None:
    async with shop.database.transaction() as session:
        await webhooks.mark_delivered(session, "stripe", event_id)


async def test_a_message_is_passed_on_until_it_was_and_then_no_more(shop: Shop) -> None:
    assert [await keep(shop), await keep(shop)] == [True, True], "the first delivery may have died half-way"
    await mark_delivered(shop)
    assert not await keep(shop)
    kept = await shop.rows("SELECT event_id, payload, delivered_at IS NOT NULL FROM webhook_inbox")
    assert kept == [("evt_1", PAYLOAD, True)]


async def test_ten_deliveries_at_once_are_one_message(shop: Shop) -> None:
    assert all(await asyncio.gather(*(keep(shop) for _ in range(10))))
    assert await shop.rows("SELECT count(*) FROM webhook_inbox") == [(1,)]


async def test_two_providers_may_use_the_same_id(shop: Shop) -> None:
    await keep(shop)
    await mark_delivered(shop)
    assert await keep(shop, provider="another")
    assert await keep(shop, "evt_2")


async def test_a_message_about_an_order_that_is_not_there_is_kept_all_the_same(shop: Shop) -> None:
    """A webhook can come before the order is written."""
    order_id = uuid4()
    assert await keep(shop, order_id=order_id)
    assert await shop.rows("SELECT order_id FROM webhook_inbox") == [(order_id,)]


@pytest.mark.parametrize(
    ("status", "waited_for"), [("requires_action", True), ("pending", False), ("captured", False), ("voided", False)]
)
async def test_news_is_worth_a_message_only_while_the_bank_is_waited_for(
    shop: Shop, status: str, waited_for: bool
) -> None:
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        assert not await webhooks.is_waited_for(session, order_id)
        payment = await payments.open_payment(session, order_id, "stripe")
        payment.status = status
        await session.flush()
        assert await webhooks.is_waited_for(session, order_id) is waited_for
