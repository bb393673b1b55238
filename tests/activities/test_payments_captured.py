"""capture_payment: the money is taken once and booked once, however often the step is repeated."""

import asyncio
from uuid import UUID

import pytest

from activities.payments import PaymentActivities
from core.database import Database
from domain.errors import NotFound, PaymentRefused
from domain.messages.checkout import AuthorisePayment, OrderStep, PaymentOutcome
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderUnavailable
from tests.activities.conftest import RETURN_URL, run
from tests.activities.gateways import set_intent
from tests.builders import Shop
from tests.fakes.payments import FakePayments

CAPTURED = PaymentOutcome("captured")


@pytest.fixture
async def order_id(shop: Shop, payments: PaymentActivities) -> UUID:
    """Confirmed, its money set aside."""
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 2})
    await run(payments.authorise_payment, AuthorisePayment(str(order_id), 1))
    return order_id


async def booked(shop: Shop) -> list[tuple[object, ...]]:
    return await shop.rows("SELECT account, amount FROM ledger_entries ORDER BY account")


async def test_capturing_twice_takes_and_books_the_money_once(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    for _ in range(2):
        assert await run(payments.capture_payment, OrderStep(str(order_id))) == CAPTURED
    assert gateway.count("capture") == 1
    assert await booked(shop) == [("provider_clearing", 3998), ("sales", -3998)]
    await shop.require_invariants()


async def test_a_capture_whose_reply_is_lost_is_booked_once(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    gateway.fail("capture", 1)
    gateway.late_faults["capture"].append(ConnectionError("the reply is lost"))
    for error in (ProviderUnavailable, ConnectionError):
        with pytest.raises(error):
            await run(payments.capture_payment, OrderStep(str(order_id)))
        assert await booked(shop) == []
    assert await run(payments.capture_payment, OrderStep(str(order_id))) == CAPTURED
    assert [intent.captured for intent in gateway.intents.values()] == [Money(3998, "USD")]
    assert await booked(shop) == [("provider_clearing", 3998), ("sales", -3998)]
    await shop.require_invariants()


async def test_five_captures_at_once_are_one(shop: Shop, payments: PaymentActivities, order_id: UUID) -> None:
    outcomes = await asyncio.gather(*(run(payments.capture_payment, OrderStep(str(order_id))) for _ in range(5)))
    assert outcomes == [CAPTURED] * 5
    assert await booked(shop) == [("provider_clearing", 3998), ("sales", -3998)]
    await shop.require_invariants()


@pytest.mark.parametrize("theirs", [Money(3997, "USD"), Money(3998, "EUR"), Money(0, "USD")])
async def test_another_amount_than_was_asked_for_is_not_booked(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID, theirs: Money
) -> None:
    set_intent(gateway, order_id, status=IntentStatus.CAPTURED, captured=theirs)
    with pytest.raises(PaymentRefused, match=r"where 39\.98 USD was asked for"):
        await run(payments.capture_payment, OrderStep(str(order_id)))
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured) == ("authorized", 0)
    assert await booked(shop) == []


async def test_money_that_was_let_go_of_cannot_be_taken(
    shop: Shop, payments: PaymentActivities, order_id: UUID
) -> None:
    await run(payments.void_payment, OrderStep(str(order_id)))
    for _ in range(2):
        with pytest.raises(PaymentRefused):
            await run(payments.capture_payment, OrderStep(str(order_id)))
    assert (await shop.payment(order_id)).status == "voided"
    assert await booked(shop) == []


async def test_money_that_was_never_set_aside_cannot_be_taken(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID
) -> None:
    other, cancelled = await shop.held({"LAMP": 1}), await shop.held({"LAMP": 1})
    await run(payments.void_payment, OrderStep(str(cancelled)))
    for without in (other, cancelled):
        with pytest.raises(NotFound):
            await run(payments.capture_payment, OrderStep(str(without)))
    assert gateway.count("capture") == 0


@pytest.mark.parametrize("asks", ["authorise_payment", "check_payment"])
async def test_money_that_a_late_question_finds_taken_is_booked(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, order_id: UUID, asks: str
) -> None:
    step = OrderStep(str(order_id))
    gateway.late_faults["capture"].append(ConnectionError("the reply is lost"))
    with pytest.raises(ConnectionError):
        await run(payments.capture_payment, step)
    late = AuthorisePayment(str(order_id), 1) if asks == "authorise_payment" else step
    assert await run(getattr(payments, asks), late) == PaymentOutcome("captured")
    assert await run(payments.capture_payment, step) == PaymentOutcome("captured")
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured) == ("captured", 3998)
    await shop.require_invariants()


async def test_an_order_that_costs_nothing_is_captured_too(shop: Shop, payments: PaymentActivities) -> None:
    await shop.product("FREE", price=0)
    order_id = await shop.confirmed({"FREE": 1})
    await run(payments.authorise_payment, AuthorisePayment(str(order_id), 1))
    assert await run(payments.capture_payment, OrderStep(str(order_id))) == PaymentOutcome("captured")


class LateAnswer(FakePayments):
    """Confirms at once, and keeps its first answer back."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        intent = await super().confirm(ref, order_id, attempt, token, return_url)
        if not self.asked.is_set():
            self.asked.set()
            await self.answer.wait()
        return intent


async def test_a_late_answer_takes_no_capture_back(shop: Shop, database: Database) -> None:
    """A worker that was paused hears that the money is set aside when it is taken already."""
    gateway = LateAnswer()
    payments = PaymentActivities(database, gateway, RETURN_URL)
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 2})
    card = AuthorisePayment(str(order_id), 1)
    late = asyncio.create_task(run(payments.authorise_payment, card))
    await gateway.asked.wait()
    await run(payments.authorise_payment, card, attempt=2)
    await run(payments.capture_payment, OrderStep(str(order_id)))
    gateway.answer.set()
    assert await late == CAPTURED
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured) == ("captured", 3998)
    await shop.require_invariants()
