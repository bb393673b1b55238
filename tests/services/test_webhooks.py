"""The inbox of the providers' webhooks: kept before they are answered, passed on once, to whoever waits."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.orders import checkout_workflow_id, refund_workflow_id
from models.payments import Refund, RefundCause
from services import payments, refunds, webhooks
from services.refunds import Claim
from services.webhooks import NOBODY, Hearers, News
from tests.builders import Shop

FACTS = {"id": "pi_1", "status": "succeeded"}


def news(event_id: str = "evt_1", provider: str = "stripe", **changes: Any) -> News:
    known: dict[str, Any] = {"type": "payment_intent.succeeded", "is_outcome": True, "facts": FACTS}
    return News(provider, event_id, **(known | changes))


async def keep(shop: Shop, event_id: str = "evt_1", provider: str = "stripe", **changes: Any) -> bool:
    async with shop.database.transaction() as session:
        return await webhooks.keep(session, news(event_id, provider, **changes))


async def mark_delivered(shop: Shop, event_id: str = "evt_1") -> None:
    async with shop.database.transaction() as session:
        await webhooks.mark_delivered(session, "stripe", event_id)


async def hearers(shop: Shop, **changes: Any) -> Hearers:
    async with shop.database.transaction() as session:
        return await webhooks.hearers(session, news(**changes))


async def test_a_message_is_passed_on_until_it_was_and_then_no_more(shop: Shop) -> None:
    assert [await keep(shop), await keep(shop)] == [True, True], "the first delivery may have died half-way"
    await mark_delivered(shop)
    assert not await keep(shop)
    kept = await shop.rows("SELECT event_id, payload, delivered_at IS NOT NULL FROM webhook_inbox")
    assert kept == [("evt_1", FACTS | {"is_outcome": True}, True)]


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


async def test_messages_are_forgotten_after_thirty_days(shop: Shop) -> None:
    await keep(shop, "evt_old")
    await keep(shop, "evt_new")
    age = "UPDATE webhook_inbox SET received_at = now() - interval '30 days 1 second' WHERE event_id = 'evt_old'"
    await shop.rows(age)
    async with shop.database.transaction() as session:
        await webhooks.forget_old(session)
    assert await shop.rows("SELECT event_id FROM webhook_inbox") == [("evt_new",)]


async def paying(shop: Shop, status: str) -> UUID:
    """An order whose payment on `pi_1` stands so."""
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.open_payment(session, order_id, "stripe")
        payment.status, payment.provider_ref = status, "pi_1"
    return order_id


@pytest.mark.parametrize(
    ("status", "is_waited_for"),
    [("requires_action", True), ("pending", False), ("authorized", False), ("failed", False), ("voided", False)],
)
async def test_news_is_worth_a_message_only_while_the_bank_is_waited_for(
    shop: Shop, status: str, is_waited_for: bool
) -> None:
    order_id = await paying(shop, status)
    expected = Hearers((checkout_workflow_id(order_id),)) if is_waited_for else NOBODY
    assert await hearers(shop, intent_ref="pi_1") == expected
    assert await hearers(shop, intent_ref="pi_1", is_outcome=False) == NOBODY, "it says nothing that is new"


@pytest.mark.parametrize(
    "changes",
    [{"intent_ref": "pi_2"}, {"intent_ref": None}, {"intent_ref": "pi_1", "provider": "another"}],
    ids=["another intent", "no intent", "another provider"],
)
async def test_news_of_an_intent_that_is_not_the_payment_s_reaches_nobody_whatever_order_it_names(
    shop: Shop, changes: dict[str, Any]
) -> None:
    order_id = await paying(shop, "requires_action")
    assert await hearers(shop, order_id=order_id, **changes) == NOBODY


async def test_an_outcome_that_was_kept_is_found_by_its_order(shop: Shop) -> None:
    order_id = await paying(shop, "pending")

    async def has_outcome() -> bool:
        async with shop.database.transaction() as session:
            return await webhooks.has_outcome(session, order_id)

    await keep(shop, "evt_1", order_id=order_id, is_outcome=False)
    await keep(shop, "evt_2", order_id=uuid4())
    assert not await has_outcome()
    await keep(shop, "evt_3", order_id=order_id)
    assert await has_outcome()


@pytest.fixture
async def refund(shop: Shop) -> Refund:
    """Pending, of 500, on the intent `pi_1`."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        payment.provider_ref = "pi_1"
        return await refunds.claim(session, payment, Claim(RefundCause.STAFF, "staff", 500))


async def of_refund(shop: Shop, **changes: Any) -> Hearers:
    return await hearers(shop, intent_ref="pi_1", is_outcome=False, is_refund=True, **changes)


async def test_news_of_a_refund_is_for_the_refund_that_waits(shop: Shop, refund: Refund) -> None:
    waiting = Hearers((refund_workflow_id(refund.id),))
    assert await of_refund(shop, refund_ref="re_1", refund_id=refund.id) == waiting
    charge = {"refunded": 500}
    assert await of_refund(shop, facts=charge) == waiting, "a charge's news is for all that wait"


async def test_news_of_a_refund_that_is_over_reaches_nobody(shop: Shop, refund: Refund) -> None:
    async with shop.database.transaction() as session:
        await refunds.record_success(session, refund.id, "re_1")
    assert await of_refund(shop, refund_ref="re_1", refund_id=refund.id) == NOBODY
    assert await of_refund(shop, refund_ref="re_1") == NOBODY, "known by its name there"
    assert await of_refund(shop, facts={"refunded": 500}) == NOBODY
    await shop.require_invariants()


async def test_a_refund_that_nobody_asked_for_here_is_foreign(shop: Shop, refund: Refund) -> None:
    assert await of_refund(shop, refund_ref="re_2") == Hearers(is_foreign=True)
    assert await of_refund(shop, refund_ref="re_2", refund_id=uuid4()) == Hearers(is_foreign=True)
    async with shop.database.transaction() as session:
        await refunds.record_success(session, refund.id, "re_1")
    assert await of_refund(shop, facts={"refunded": 501}) == Hearers(is_foreign=True)


async def test_a_refund_on_another_shop_s_intent_reaches_nobody(shop: Shop, refund: Refund) -> None:
    stranger = {"intent_ref": "pi_2", "is_outcome": False, "is_refund": True}
    assert await hearers(shop, refund_ref="re_1", refund_id=refund.id, **stranger) == NOBODY
