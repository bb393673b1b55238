"""refund_payment: given back once and booked once, however often and by however many it is repeated."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from activities.payments import PaymentActivities
from activities.refunds import RefundActivities
from core.database import Database
from domain.errors import PaymentRefused
from domain.messages.checkout import OrderStep, PaymentOutcome
from domain.messages.refunds import RefundInput, RefundOutcome
from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod, PaymentStatus, RefundStatus
from gateways.payments import KeyUsedUp, ProviderRefund, ProviderUnavailable
from models.payments import Refund, RefundCause
from services import payments as payment_service
from services import refunds as refund_service
from services.refunds import Claim
from tests.activities.conftest import run
from tests.builders import Shop
from tests.fakes.payments import BrokenAfterwards, FakePayments

SOME = Claim(RefundCause.STAFF, "staff", amount=500, reason="scratched")
PRICE = Money(3998, "USD")


@pytest.fixture
def refunds(database: Database, gateway: FakePayments) -> RefundActivities:
    return RefundActivities(database, gateway)


@pytest.fixture
async def order_id(shop: Shop, gateway: FakePayments) -> UUID:
    """Of two lamps, paid by card."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2})
    gateway.pay(order_id, PRICE)
    return order_id


async def claimed(shop: Shop, order_id: UUID, wanted: Claim = SOME) -> RefundInput:
    async with shop.database.transaction() as session:
        payment = await payment_service.locked(session, order_id)
        refund = await refund_service.claim(session, payment, wanted)
    return RefundInput(str(refund.id), str(order_id))


async def row(shop: Shop, step: RefundInput) -> Refund:
    async with shop.database.transaction() as session:
        return await refund_service.get(session, UUID(step.refund_id))


def given(gateway: FakePayments, order_id: UUID) -> list[int]:
    return [refund.amount.amount for refund in gateway.given_back[f"pi_{order_id.hex}"]]


def succeeded(step: RefundInput) -> RefundOutcome:
    return RefundOutcome(step.refund_id, "succeeded")


async def test_a_part_goes_back_once_and_the_customer_is_told_once(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    for _ in range(2):
        assert await run(refunds.refund_payment, step) == succeeded(step)
    payment = await shop.payment(order_id)
    assert (payment.status, payment.refunded, given(gateway, order_id)) == ("partially_refunded", 500, [500])
    booked = "SELECT account, amount FROM ledger_entries ORDER BY id"
    assert (await shop.rows(booked))[2:] == [("sales", 500), ("provider_clearing", -500)]
    assert await shop.rows("SELECT kind FROM notifications WHERE kind = 'refund_issued'") == [("refund_issued",)]
    assert str((await row(shop, step)).provider_ref).startswith("re_")
    await shop.require_invariants()


async def test_all_of_a_delivered_orders_money_makes_it_refunded(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.delivered({"LAMP": 2})
    gateway.pay(order_id, PRICE)
    for wanted in (SOME, Claim(RefundCause.STAFF, "staff")):
        await run(refunds.refund_payment, await claimed(shop, order_id, wanted))
    assert await shop.status(order_id) is OrderStatus.REFUNDED
    assert (await shop.payment(order_id)).status == "refunded"
    assert given(gateway, order_id) == [3498, 500]
    assert (await shop.events(order_id))[-1] == "refunded"


async def test_cash_goes_back_by_hand_and_the_provider_is_not_asked(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await shop.delivered({"LAMP": 2}, method=PaymentMethod.COD)
    step = await claimed(shop, order_id)
    for _ in range(2):
        assert await run(refunds.refund_payment, step) == succeeded(step)
    assert gateway.calls == []
    assert await shop.rows("SELECT account, sum(amount) FROM ledger_entries GROUP BY 1 ORDER BY 1") == [
        ("cash", 3498), ("sales", -3498),
    ]  # fmt: skip
    await shop.require_invariants()


async def test_a_reply_that_is_lost_is_found_at_the_next_try(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.late_faults["refund"].append(ConnectionError("the reply is lost"))
    with pytest.raises(ConnectionError):
        await run(refunds.refund_payment, step)
    assert await run(refunds.refund_payment, step) == succeeded(step)
    assert (gateway.count("refund"), given(gateway, order_id)) == (1, [500])
    await shop.require_invariants()


async def test_a_provider_that_is_away_is_asked_again_with_the_same_key(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.fail("refunds", 1)
    gateway.fail("refund", 1)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await run(refunds.refund_payment, step)
    assert await run(refunds.refund_payment, step) == succeeded(step)
    assert ((await row(shop, step)).provider_key, list(gateway.kept_answers)) == (1, [f"{step.refund_id}:refund:1"])
    await shop.require_invariants()


async def test_a_failure_that_its_key_repeats_for_ever_is_asked_about_before_there_is_another_key(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.late_faults["refund"].append(BrokenAfterwards("500 after the work"))
    with pytest.raises(ProviderUnavailable):
        await run(refunds.refund_payment, step)
    assert await run(refunds.refund_payment, step) == succeeded(step)
    assert ((await row(shop, step)).provider_key, given(gateway, order_id)) == (1, [500])


async def test_a_key_that_is_used_up_without_effect_is_followed_by_the_next(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.kept_answers[f"{step.refund_id}:refund:1"] = KeyUsedUp("500 for ever")
    with pytest.raises(KeyUsedUp):
        await run(refunds.refund_payment, step)
    assert await run(refunds.refund_payment, step) == succeeded(step)
    assert ((await row(shop, step)).provider_key, given(gateway, order_id)) == (2, [500])
    await shop.require_invariants()


async def test_two_that_find_one_key_used_up_agree_on_the_next(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.kept_answers[f"{step.refund_id}:refund:1"] = KeyUsedUp("500 for ever")
    outcomes = await asyncio.gather(*(run(refunds.refund_payment, step) for _ in range(5)), return_exceptions=True)
    assert any(isinstance(outcome, KeyUsedUp) for outcome in outcomes)
    assert await run(refunds.refund_payment, step) == succeeded(step)
    assert ((await row(shop, step)).provider_key, given(gateway, order_id)) == (2, [500])


async def test_five_at_once_give_back_once(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    outcomes = await asyncio.gather(*(run(refunds.refund_payment, step) for _ in range(5)))
    assert (outcomes, given(gateway, order_id)) == ([succeeded(step)] * 5, [500])
    await shop.require_invariants()


async def test_a_refusal_ends_it_and_frees_what_it_claimed(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    gateway.give_back(f"pi_{order_id.hex}", Money(3998, "USD"))  # somebody at the provider's was faster
    step = await claimed(shop, order_id)
    for _ in range(2):
        assert await run(refunds.refund_payment, step) == RefundOutcome(step.refund_id, "failed")
    assert (await row(shop, step)).failure == "charge_already_refunded"
    async with shop.database.transaction() as session:
        payment = await payment_service.locked(session, order_id)
        assert await refund_service.left(session, payment) == 3998
    assert (payment.status, payment.refunded) == ("captured", 0)


async def test_a_refusal_of_the_question_says_nothing_about_the_refund(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID
) -> None:
    step = await claimed(shop, order_id)
    gateway.faults["refunds"].append(PaymentRefused("no such intent", reason="resource_missing"))
    gateway.faults["refund"].append(PaymentRefused("a wrong key of ours"))
    for _ in range(2):
        with pytest.raises(PaymentRefused):
            await run(refunds.refund_payment, step)
        assert (await row(shop, step)).status == "pending"


@pytest.mark.parametrize("theirs", [Money(499, "USD"), Money(500, "EUR"), Money(0, "USD")])
async def test_an_answer_of_another_amount_books_nothing_and_keeps_the_claim(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID, theirs: Money
) -> None:
    step = await claimed(shop, order_id)
    ref = f"pi_{order_id.hex}"
    gateway.given_back[ref] = [ProviderRefund("re_x", RefundStatus.SUCCEEDED, theirs, UUID(step.refund_id))]
    with pytest.raises(PaymentRefused, match=r"where 5\.00 USD was asked for"):
        await run(refunds.refund_payment, step)
    assert ((await row(shop, step)).status, (await shop.payment(order_id)).refunded) == ("pending", 0)
    await shop.require_invariants()


@pytest.mark.parametrize("end", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
async def test_one_that_the_provider_leaves_pending_is_asked_about_until_it_is_over(
    shop: Shop, refunds: RefundActivities, gateway: FakePayments, order_id: UUID, end: RefundStatus
) -> None:
    step = await claimed(shop, order_id)
    gateway.refund_status = RefundStatus.PENDING
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await run(refunds.refund_payment, step)
    gateway.settle_refund(f"pi_{order_id.hex}", end)
    assert await run(refunds.refund_payment, step) == RefundOutcome(step.refund_id, end)
    assert gateway.count("refund") == 1
    assert (await shop.payment(order_id)).refunded == (500 if end is RefundStatus.SUCCEEDED else 0)
    await shop.require_invariants()


@pytest.mark.parametrize("part", [500, None])
async def test_no_step_of_the_checkout_takes_a_capture_back(
    shop: Shop, refunds: RefundActivities, payments: PaymentActivities, gateway: FakePayments, part: int | None
) -> None:
    """As when staff reset the checkout of an order whose money went back since."""
    await shop.product("LAMP")
    order_id = await shop.delivered({"LAMP": 2})
    gateway.pay(order_id, PRICE)
    await run(refunds.refund_payment, await claimed(shop, order_id, replace(SOME, amount=part)))
    before = await shop.payment(order_id)
    for activity in (payments.void_payment, payments.capture_payment, payments.check_payment):
        assert await run(activity, OrderStep(str(order_id))) == PaymentOutcome("captured")
    after = await shop.payment(order_id)
    assert after.status == (PaymentStatus.PARTIALLY_REFUNDED if part else PaymentStatus.REFUNDED)
    assert (after.status, after.captured, after.refunded) == (before.status, before.captured, before.refunded)
    assert gateway.count("void") == gateway.count("capture") == 0
