"""What only people can decide is reported, and never touched."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from domain.messages.fulfilment import Command
from domain.money import Money
from domain.orders import PaymentStatus, RefundStatus
from gateways.payments import IntentStatus
from tests.workflows.desk import Desk
from tests.workflows.reconciliation.conftest import NOTHING, PRICE, Books, Reconcile


async def captured_for_a_cancelled_order(books: Books) -> str:
    ref = await books.set_aside(await books.shop.cancelled({"LAMP": 1}), PaymentStatus.VOIDED)
    books.change(ref, status=IntentStatus.CAPTURED, captured=PRICE)
    return "captured-for-a-cancelled-order"


async def another_amount(books: Books) -> str:
    _, ref = await books.paid()
    books.change(ref, amount=Money(2000, "USD"))
    return "amount-differs"


async def another_currency(books: Books) -> str:
    _, ref = await books.paid()
    books.change(ref, amount=Money(1999, "EUR"), captured=Money(1999, "EUR"))
    return "amount-differs"


async def captured_in_part(books: Books) -> str:
    order_id = await books.shop.confirmed({"LAMP": 1})
    ref = await books.set_aside(order_id)
    books.change(ref, status=IntentStatus.CAPTURED, captured=Money(1000, "USD"))
    return "amount-differs"


async def captured_here_alone(books: Books) -> str:
    _, ref = await books.paid()
    books.change(ref, status=IntentStatus.AUTHORIZED, captured=NOTHING)
    return "captured-here-not-there"


async def refunded_here_alone(books: Books) -> str:
    await books.paid()
    await books.shop.rows("UPDATE payments SET refunded = 5, status = 'partially_refunded'")
    return "refunded-here-not-there"


async def refunded_there_and_only_our_sum_is_wrong(books: Books) -> str:
    _, ref = await books.paid()
    refund = books.gateway.give_back(ref, Money(5, "USD"))
    await books.shop.rows(
        "INSERT INTO refunds"
        " (payment_id, order_id, cause, status, currency, amount, reason, requested_by, provider_ref)"
        " SELECT id, order_id, 'staff', 'succeeded', 'USD', 5, '', 'somebody', :ref FROM payments",
        ref=refund.ref,
    )
    return "refunded-there-not-here"


async def given_back_there_and_not_sure_yet(books: Books) -> str:
    _, ref = await books.paid()
    books.gateway.refund_status = RefundStatus.PENDING
    books.gateway.give_back(ref, Money(5, "USD"))
    return "refunded-there-not-here"


async def missing_there(books: Books) -> str:
    await books.shop.paid({"LAMP": 1})
    return "missing-there"


async def unknown_with_money(books: Books) -> str:
    books.at_provider(None, IntentStatus.CAPTURED)
    return "unknown-intent"


async def two_charges(books: Books) -> str:
    order_id, _ = await books.paid()
    books.at_provider(order_id, IntentStatus.CAPTURED, ref="pi_second")
    return "double-charge"


async def another_order(books: Books) -> str:
    _, ref = await books.paid()
    books.change(ref, order_id=uuid4())
    return "order-differs"


async def an_authorisation_that_ended(books: Books) -> str:
    ref = await books.set_aside(await books.shop.confirmed({"LAMP": 1}))
    books.change(ref, status=IntentStatus.VOIDED)
    return "state-differs"


@pytest.mark.spoils_books
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "spoil",
    [
        captured_for_a_cancelled_order, another_amount, another_currency, captured_in_part, captured_here_alone,
        refunded_here_alone, refunded_there_and_only_our_sum_is_wrong, given_back_there_and_not_sure_yet,
        missing_there, unknown_with_money, two_charges, another_order, an_authorisation_that_ended,
    ],
)  # fmt: skip
async def test_what_only_people_can_decide_is_reported_each_time_and_never_touched(
    spoil: Callable[[Books], Awaitable[str]], books: Books, reconcile: Reconcile
) -> None:
    kind = await spoil(books)
    theirs, ours = dict(books.gateway.intents), await books.shop.rows("SELECT * FROM payments")
    for _ in range(2):
        assert await reconcile() == {kind: False}
    assert books.gateway.intents == theirs
    assert await books.shop.rows("SELECT * FROM payments") == ours


@pytest.mark.spoils_books
@pytest.mark.usefixtures("worker")
async def test_an_authorisation_that_ended_is_reported_while_the_orders_fulfilment_runs(
    books: Books, reconcile: Reconcile, desk: Desk
) -> None:
    """Which waits for staff to ship it, and would not look at the payment before."""
    order_id = await books.shop.confirmed({"LAMP": 1})
    ref = await books.set_aside(order_id)
    assert await desk.say(order_id, Command.PROCESS) == "processing"
    books.change(ref, status=IntentStatus.VOIDED)
    assert await reconcile() == {"state-differs": False}
    assert await desk.say(order_id, Command.CANCEL) == "cancelled"
    assert await reconcile() == {}
