"""void_payment, the undo of authorise_payment: before it, over it, after it, and too late."""

import asyncio
from uuid import UUID

import pytest

from activities.payments import PaymentActivities
from core.database import Database
from domain.errors import NotFound, OrderCancelled
from domain.messages.checkout import AuthorisePayment, OrderStep, PaymentOutcome
from gateways.payments import IntentStatus, ProviderUnavailable
from tests.activities.conftest import RETURN_URL, run
from tests.activities.gateways import SlowPayments, intent_status
from tests.builders import Shop
from tests.fakes.payments import FakePayments

VOIDED = PaymentOutcome("voided")


@pytest.fixture
async def order_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.held({"LAMP": 2})


def step(order_id: UUID) -> OrderStep:
    return OrderStep(str(order_id))


def card(order_id: UUID) -> AuthorisePayment:
    return AuthorisePayment(str(order_id), 1)


async def test_voiding_twice_lets_go_of_the_money(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    await run(payments.authorise_payment, card(order_id))
    for _ in range(2):
        assert await run(payments.void_payment, step(order_id)) == VOIDED
        assert intent_status(gateway, order_id) is IntentStatus.VOIDED
    assert (await shop.payment(order_id)).status == "voided"
    with pytest.raises(OrderCancelled):
        await run(payments.authorise_payment, card(order_id))


async def test_a_payment_that_never_was_leaves_a_tombstone_that_stops_the_late_one(
    payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    for _ in range(2):
        assert await run(payments.void_payment, step(order_id)) == VOIDED
    for _ in range(2):
        with pytest.raises(OrderCancelled):
            await run(payments.authorise_payment, card(order_id))
    assert gateway.calls == [], "nobody asked the provider for anything"


@pytest.mark.parametrize("operation", ["create", "confirm"])
async def test_a_payment_that_is_voided_while_it_is_made_sets_nothing_aside(
    database: Database, shop: Shop, order_id: UUID, operation: str
) -> None:
    """The authorisation is a zombie: its worker was thought dead, and goes on after the undo."""
    gateway = SlowPayments(operation)
    payments = PaymentActivities(database, gateway, RETURN_URL)
    zombie = asyncio.create_task(run(payments.authorise_payment, card(order_id)))
    await gateway.asked.wait()
    assert await run(payments.void_payment, step(order_id)) == VOIDED
    gateway.answer.set()
    with pytest.raises(OrderCancelled):
        await zombie
    assert intent_status(gateway, order_id) in (IntentStatus.UNPAID, IntentStatus.VOIDED)
    assert (await shop.payment(order_id)).status == "voided"


async def test_a_void_whose_reply_is_lost_is_repeated(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    await run(payments.authorise_payment, card(order_id))
    gateway.fail("void", 1)
    gateway.late_faults["void"].append(ConnectionError("the reply is lost"))
    for error in (ProviderUnavailable, ConnectionError):
        with pytest.raises(error):
            await run(payments.void_payment, step(order_id))
        assert (await shop.payment(order_id)).status == "voided", "our books say first what is going to be done"
    assert await run(payments.void_payment, step(order_id)) == VOIDED
    assert intent_status(gateway, order_id) is IntentStatus.VOIDED


async def test_money_that_was_taken_is_not_let_go_of(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    await run(payments.authorise_payment, card(order_id))
    await run(payments.capture_payment, step(order_id))
    for _ in range(2):
        assert await run(payments.void_payment, step(order_id)) == PaymentOutcome("captured")
    assert (await shop.payment(order_id)).captured == 3998
    assert gateway.count("void") == 0


async def test_money_that_was_taken_without_our_knowing_is_booked_when_it_is_too_late(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    await run(payments.authorise_payment, card(order_id))
    gateway.late_faults["capture"].append(ConnectionError("the reply is lost"))
    with pytest.raises(ConnectionError):
        await run(payments.capture_payment, step(order_id))
    for _ in range(2):
        assert await run(payments.void_payment, step(order_id)) == PaymentOutcome("captured")
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured) == ("captured", 3998)
    assert await shop.rows("SELECT sum(amount)::int FROM ledger_entries WHERE account = 'sales'") == [(-3998,)]


async def test_a_capture_and_a_void_at_once_agree_on_what_happened(
    database: Database, shop: Shop, order_id: UUID
) -> None:
    """The provider took the money, and the answer is still on its way when the order is cancelled."""
    gateway = SlowPayments("capture")
    payments = PaymentActivities(database, gateway, RETURN_URL)
    await run(payments.authorise_payment, card(order_id))
    capturing = asyncio.create_task(run(payments.capture_payment, step(order_id)))
    await gateway.asked.wait()
    assert await run(payments.void_payment, step(order_id)) == PaymentOutcome("captured")
    gateway.answer.set()
    assert await capturing == PaymentOutcome("captured")
    assert (await shop.payment(order_id)).captured == 3998
    assert await shop.rows("SELECT count(*) FROM ledger_transactions") == [(1,)]


async def test_voiding_one_order_leaves_the_others_alone(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    other = await shop.held({"LAMP": 1})
    for one in (order_id, other):
        await run(payments.authorise_payment, card(one))
    await run(payments.void_payment, step(order_id))
    assert intent_status(gateway, other) is IntentStatus.AUTHORIZED
    assert (await shop.payment(other)).status == "authorized"
    with pytest.raises(NotFound):
        await run(payments.void_payment, step(UUID(int=1)))
