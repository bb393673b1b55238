"""What was done at the provider behind our back is mended where that is safe, and once."""

from uuid import uuid4

import pytest

from core.database import Database
from domain.money import Money
from domain.orders import PaymentStatus
from gateways.payments import IntentStatus
from tests.workflows.reconciliation.conftest import LONG_AGO, PRICE, Books, Reconcile, Start, found


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_books_that_agree_are_left_alone(books: Books, begin: Start, database: Database) -> None:
    await books.paid()
    await books.set_aside(await books.shop.confirmed({"LAMP": 1}))
    books.at_provider(None, IntentStatus.UNPAID)  # another shop's, without money
    result = await (await begin()).result()
    assert (result.compared, result.different, result.mended) == (3, 0, 0)
    assert await found(database, result) == []
    await books.shop.require_invariants()


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_a_capture_that_we_missed_is_booked_once(books: Books, reconcile: Reconcile) -> None:
    order_id = await books.shop.confirmed({"LAMP": 1})
    ref = await books.set_aside(order_id)
    await books.gateway.capture(ref, order_id)
    assert await reconcile() == {"captured-there-not-here": True}
    payment = await books.shop.payment(order_id)
    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, PRICE.amount)
    assert await reconcile() == {}
    await books.shop.require_invariants()


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_money_given_back_in_the_providers_dashboard_is_booked_once_and_told(
    books: Books, reconcile: Reconcile
) -> None:
    order_id, ref = await books.paid()
    books.gateway.give_back(ref, Money(500, "USD"))
    assert await reconcile() == {"refunded-there-not-here": True}
    books.gateway.give_back(ref, Money(99, "USD"))
    assert await reconcile() == {"refunded-there-not-here": True}
    assert await reconcile() == {}
    payment = await books.shop.payment(order_id)
    assert (payment.status, payment.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 599)
    rows = await books.shop.rows("SELECT cause, status, amount, requested_by FROM refunds ORDER BY amount")
    assert rows == [("provider", "succeeded", 99, "provider"), ("provider", "succeeded", 500, "provider")]
    assert await books.shop.rows("SELECT count(*) FROM notifications WHERE kind = 'refund_issued'") == [(2,)]
    await books.shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_a_capture_and_its_refund_that_we_both_missed_are_booked_in_turn(
    books: Books, reconcile: Reconcile
) -> None:
    order_id = await books.shop.confirmed({"LAMP": 1})
    ref = await books.set_aside(order_id)
    await books.gateway.capture(ref, order_id)
    books.gateway.give_back(ref, Money(500, "USD"))
    assert await reconcile() == {"captured-there-not-here": True, "refunded-there-not-here": True}
    payment = await books.shop.payment(order_id)
    assert (payment.captured, payment.refunded) == (PRICE.amount, 500)
    assert await reconcile() == {}
    await books.shop.require_invariants()


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_money_set_aside_for_a_cancelled_order_is_let_go_of(books: Books, reconcile: Reconcile) -> None:
    order_id = await books.shop.cancelled({"LAMP": 1})
    ref = await books.set_aside(order_id, PaymentStatus.VOIDED)
    assert await reconcile() == {"authorised-for-a-cancelled-order": True}
    assert books.gateway.intents[ref].status is IntentStatus.VOIDED
    assert (await books.shop.payment(order_id)).status == PaymentStatus.VOIDED
    assert await reconcile() == {}
    await books.shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_an_intent_of_ours_that_was_never_stored_is_cancelled_after_an_hour(
    books: Books, reconcile: Reconcile
) -> None:
    order_id, _ = await books.paid()
    young = books.at_provider(order_id, IntentStatus.UNPAID, ref="pi_young")
    old = books.at_provider(order_id, IntentStatus.UNPAID, ref="pi_old")
    books.change(old, created=LONG_AGO)
    stranger = books.at_provider(uuid4(), IntentStatus.UNPAID, ref="pi_of_another_shop")
    books.change(stranger, created=LONG_AGO)
    assert await reconcile() == {"leftover-intent": True}
    assert [books.gateway.intents[ref].status for ref in (young, old, stranger)] == [
        IntentStatus.UNPAID, IntentStatus.VOIDED, IntentStatus.UNPAID,
    ]  # fmt: skip
    assert await reconcile() == {}


@pytest.mark.usefixtures("worker")
async def test_money_that_staff_gave_back_for_a_cancelled_order_ends_up_in_the_books(
    books: Books, reconcile: Reconcile
) -> None:
    order_id = await books.shop.cancelled({"LAMP": 1})
    ref = await books.set_aside(order_id, PaymentStatus.VOIDED)
    books.change(ref, status=IntentStatus.CAPTURED, captured=PRICE)
    books.gateway.give_back(ref, PRICE)
    assert await reconcile() == {"captured-there-not-here": True, "refunded-there-not-here": True}
    assert (await books.shop.payment(order_id)).status == PaymentStatus.REFUNDED
    assert await reconcile() == {}
    await books.shop.require_invariants()
