"""A webhook that is faster than the answer to the confirmation finds nobody waiting, and is not lost."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from activities.payments import PaymentActivities
from core.database import Database
from domain.messages.checkout import AuthorisePayment, PaymentOutcome
from domain.orders import checkout_workflow_id
from gateways.payments import Intent
from services import webhooks
from services.webhooks import Hearers, News
from tests.activities.conftest import RETURN_URL, run
from tests.builders import Shop
from tests.fakes.payments import FakePayments

OUTCOME = "payment_intent.amount_capturable_updated"


class HastyShopper(FakePayments):
    """The shopper is through with the bank, and its webhook here, before the confirmation is answered."""

    def __init__(self, meanwhile: Callable[[str], Awaitable[None]], *, paid: bool = True) -> None:
        super().__init__()
        self.meanwhile, self.paid = meanwhile, paid

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        intent = await super().confirm(ref, order_id, attempt, token, return_url)
        self.finish_3ds(ref, paid=self.paid)
        await self.meanwhile(ref)
        return intent


@pytest.fixture
async def order_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.held({"LAMP": 1}, token="pm_card_authenticationRequired")


async def take(shop: Shop, ref: str, order_id: UUID, *, is_outcome: bool = True) -> Hearers:
    """As the API takes a webhook."""
    news = News("stripe", uuid4().hex, OUTCOME, intent_ref=ref, order_id=order_id, is_outcome=is_outcome)
    async with shop.database.transaction() as session:
        await webhooks.keep(session, news)
        return await webhooks.hearers(session, news)


@pytest.mark.parametrize(("paid", "status"), [(True, "authorized"), (False, "failed")])
async def test_news_that_came_before_the_order_waited_is_acted_on_at_once(
    paid: bool, status: str, shop: Shop, database: Database, order_id: UUID
) -> None:
    heard: list[Hearers] = []

    async def meanwhile(ref: str) -> None:
        heard.append(await take(shop, ref, order_id))

    gateway = HastyShopper(meanwhile, paid=paid)
    step = AuthorisePayment(str(order_id), 1)
    outcome = await run(PaymentActivities(database, gateway, RETURN_URL).authorise_payment, step)
    assert (outcome.status, heard) == (status, [webhooks.NOBODY])
    assert gateway.count("retrieve") == 1
    assert (await shop.payment(order_id)).status == status


async def test_news_that_tells_no_outcome_has_nobody_asked(shop: Shop, database: Database, order_id: UUID) -> None:
    async def meanwhile(ref: str) -> None:
        await take(shop, ref, order_id, is_outcome=False)

    gateway = HastyShopper(meanwhile)
    step = AuthorisePayment(str(order_id), 1)
    outcome = await run(PaymentActivities(database, gateway, RETURN_URL).authorise_payment, step)
    assert outcome == PaymentOutcome("requires_action")
    assert gateway.count("retrieve") == 0


async def test_news_at_the_very_moment_is_passed_on_or_found_and_never_neither(shop: Shop, database: Database) -> None:
    await shop.product("LAMP", stock=50)
    for _ in range(20):
        order_id = await shop.held({"LAMP": 1}, token="pm_card_authenticationRequired")
        taking: list[asyncio.Task[Hearers]] = []

        async def meanwhile(ref: str, order_id: UUID = order_id, taking: list[asyncio.Task[Hearers]] = taking) -> None:
            taking.append(asyncio.create_task(take(shop, ref, order_id)))

        payments = PaymentActivities(database, HastyShopper(meanwhile), RETURN_URL)
        outcome = await run(payments.authorise_payment, AuthorisePayment(str(order_id), 1))
        is_passed_on = await taking[0] == Hearers((checkout_workflow_id(order_id),))
        assert is_passed_on or outcome.status == "authorized"
