"""authorise_payment and check_payment: whatever gets lost on the way, one intent is confirmed once."""

import asyncio
from uuid import UUID

import pytest

from activities.payments import PaymentActivities
from core.database import Database
from domain.errors import NotFound, OrderCancelled, PaymentDeclined, PaymentRefused, PaymentTokenUnknown
from domain.messages.checkout import AuthorisePayment, OrderStep, PaymentOutcome
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderUnavailable
from services.payments import record_attempt
from tests.activities.conftest import RETURN_URL, run
from tests.activities.gateways import intent_status, set_intent
from tests.builders import Shop
from tests.fakes.payments import FakePayments

AUTHORIZED = PaymentOutcome("authorized")


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP")


def card(order_id: UUID, number: int = 1) -> AuthorisePayment:
    return AuthorisePayment(str(order_id), number)


async def another_card(shop: Shop, order_id: UUID, token: str) -> int:
    await shop.rows("UPDATE orders SET status = 'payment_failed' WHERE id = :id", id=order_id)
    async with shop.database.transaction() as session:
        number, _ = await record_attempt(session, order_id, key=token, fingerprint=token, token=token)
    await shop.rows("UPDATE orders SET status = 'pending_payment' WHERE id = :id", id=order_id)
    return number


async def test_authorising_twice_asks_the_card_once(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 2})
    for attempt in (1, 2):
        assert await run(payments.authorise_payment, card(order_id), attempt=attempt) == AUTHORIZED
    payment = await shop.payment(order_id)
    assert (payment.status, payment.provider_ref) == ("authorized", f"pi_{order_id.hex}")
    assert (payment.amount, payment.captured, payment.confirmations) == (3998, 0, 1)
    assert [operation for operation, _ in gateway.calls] == ["create", "confirm", "retrieve"]
    await shop.require_invariants()


@pytest.mark.parametrize("lost", ["create", "confirm"])
async def test_a_reply_that_is_lost_is_asked_about_and_charges_once(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, lost: str
) -> None:
    gateway.late_faults[lost].append(ConnectionError("the reply is lost"))
    order_id = await shop.held({"LAMP": 2})
    with pytest.raises(ConnectionError):
        await run(payments.authorise_payment, card(order_id))
    assert await run(payments.authorise_payment, card(order_id), attempt=2) == AUTHORIZED
    assert len(gateway.intents) == 1
    assert gateway.count("confirm") == 1


@pytest.mark.parametrize("away", ["create", "confirm"])
async def test_a_provider_that_is_away_is_asked_again(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, away: str
) -> None:
    gateway.fail(away, 2)
    order_id = await shop.held({"LAMP": 2})
    for attempt in (1, 2):
        with pytest.raises(ProviderUnavailable):
            await run(payments.authorise_payment, card(order_id), attempt=attempt)
    assert await run(payments.authorise_payment, card(order_id), attempt=3) == AUTHORIZED
    numbered = (await shop.payment(order_id)).confirmations
    assert numbered == gateway.count("confirm"), "each question has a number of its own"


@pytest.mark.parametrize(
    ("token", "refusal"),
    [("pm_card_chargeDeclined", PaymentDeclined), ("pm_nobody", PaymentTokenUnknown)],
)
async def test_a_card_that_is_refused_is_refused_each_time_and_sets_nothing_aside(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, token: str, refusal: type[Exception]
) -> None:
    order_id = await shop.held({"LAMP": 2}, token=token)
    for _ in range(2):
        with pytest.raises(refusal):
            await run(payments.authorise_payment, card(order_id))
        assert (await shop.payment(order_id)).status == "failed"
    assert intent_status(gateway, order_id) is IntentStatus.UNPAID


async def test_another_card_is_tried_on_the_same_intent(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 2}, token="pm_card_chargeDeclined")
    with pytest.raises(PaymentDeclined):
        await run(payments.authorise_payment, card(order_id))
    second = await another_card(shop, order_id, "pm_card_visa")
    assert await run(payments.authorise_payment, card(order_id, second)) == AUTHORIZED
    assert len(gateway.intents) == 1


@pytest.mark.parametrize("theirs", [Money(3997, "USD"), Money(3998, "EUR"), Money(399800, "USD")])
async def test_a_provider_that_answers_with_another_amount_is_not_believed(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, theirs: Money
) -> None:
    order_id = await shop.held({"LAMP": 2})
    gateway.late_faults["create"].append(ConnectionError("the reply is lost"))
    with pytest.raises(ConnectionError):
        await run(payments.authorise_payment, card(order_id))
    set_intent(gateway, order_id, amount=theirs)
    for _ in range(2):
        with pytest.raises(PaymentRefused, match=r"where 39\.98 USD was asked for"):
            await run(payments.authorise_payment, card(order_id))
    assert (await shop.payment(order_id)).status == "pending"


async def test_the_bank_may_want_the_shopper_and_is_asked_once(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 2}, token="pm_card_authenticationRequired")
    for _ in range(2):
        assert (await run(payments.authorise_payment, card(order_id))).status == "requires_action"
    assert (await shop.payment(order_id)).redirect_url == f"http://bank.test/pi_{order_id.hex}"
    assert (await shop.claim(order_id)).outcome == "accepted", "the shopper was told of this order"
    assert gateway.count("confirm") == 1


@pytest.mark.parametrize(("paid", "status"), [(True, "authorized"), (False, "failed")])
async def test_the_provider_knows_what_happened_at_the_bank(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments, paid: bool, status: str
) -> None:
    order_id = await shop.held({"LAMP": 2}, token="pm_card_authenticationRequired")
    await run(payments.authorise_payment, card(order_id))
    assert (await run(payments.check_payment, OrderStep(str(order_id)))).status == "requires_action"
    gateway.finish_3ds(f"pi_{order_id.hex}", paid=paid)
    for _ in range(2):
        assert (await run(payments.check_payment, OrderStep(str(order_id)))).status == status
    payment = await shop.payment(order_id)
    assert (payment.status, payment.redirect_url) == (status, None)
    assert gateway.count("confirm") == 1, "asking changes nothing"


async def test_an_answer_that_is_no_answer_yet_is_asked_for_again(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 2})
    await run(payments.authorise_payment, card(order_id))
    set_intent(gateway, order_id, status=IntentStatus.PROCESSING)
    with pytest.raises(ProviderUnavailable):
        await run(payments.check_payment, OrderStep(str(order_id)))
    assert (await shop.payment(order_id)).status == "authorized", "what is not known is not written"


async def test_a_payment_that_was_voided_at_the_provider_cancels_the_order(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 2})
    await run(payments.authorise_payment, card(order_id))
    set_intent(gateway, order_id, status=IntentStatus.VOIDED)
    with pytest.raises(OrderCancelled):
        await run(payments.check_payment, OrderStep(str(order_id)))


async def test_an_order_that_is_not_there_is_not_paid(payments: PaymentActivities, gateway: FakePayments) -> None:
    with pytest.raises(NotFound):
        await run(payments.authorise_payment, card(UUID(int=1)))
    assert gateway.calls == []


class IntentPerAttempt(FakePayments):
    """As Stripe does it: each attempt at creating has a key, and so an intent, of its own. The first answers late."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        nothing = Money(0, amount.currency)
        ref = f"pi_{order_id.hex}_{attempt}"
        self.intents.setdefault(ref, Intent(ref, IntentStatus.UNPAID, amount, nothing, nothing, order_id))
        if attempt == 1:
            self.asked.set()
            await self.answer.wait()
        return self.intents[ref]


async def test_of_two_attempts_that_both_made_an_intent_one_is_confirmed(shop: Shop, database: Database) -> None:
    """The first worker was thought dead, and goes on once the second attempt has set the money aside."""
    gateway = IntentPerAttempt()
    payments = PaymentActivities(database, gateway, RETURN_URL)
    step = AuthorisePayment(str(await shop.held({"LAMP": 1})), 1)
    zombie = asyncio.create_task(run(payments.authorise_payment, step, attempt=1))
    await gateway.asked.wait()
    assert await run(payments.authorise_payment, step, attempt=2) == PaymentOutcome("authorized")
    gateway.answer.set()
    assert await zombie == PaymentOutcome("authorized")
    aside = [intent.ref for intent in gateway.intents.values() if intent.status is IntentStatus.AUTHORIZED]
    assert aside == [(await shop.payment(UUID(step.order_id))).provider_ref]


async def test_an_amount_that_changed_at_the_bank_is_not_believed(
    shop: Shop, payments: PaymentActivities, gateway: FakePayments
) -> None:
    order_id = await shop.held({"LAMP": 1}, token="pm_card_authenticationRequired")
    await run(payments.authorise_payment, card(order_id))
    set_intent(gateway, order_id, status=IntentStatus.AUTHORIZED, amount=Money(1, "USD"))
    with pytest.raises(PaymentRefused):
        await run(payments.check_payment, OrderStep(str(order_id)))
    assert (await shop.payment(order_id)).status == "requires_action"
