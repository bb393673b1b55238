"""The adapter against somebody else's Stripe: what it takes for Stripe's behaviour is not our sandbox's alone.

Not proven here, because the peer does otherwise than Stripe: it ignores idempotency keys (a repeated `create` or
`refund` is another one), gives back more than was taken, takes no second card after a decline, knows no unknown token,
and lists the oldest first and without a bound of time. `test_stripe_payments.py` proves these against the sandbox.
"""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from domain.errors import PaymentDeclined, PaymentRefused
from domain.money import Money
from domain.orders import RefundStatus
from gateways.payments import Intent, IntentStatus
from gateways.stripe_payments import JOURNAL_PAGE, StripePayments
from tests.peer import Peer, running_peer
from tests.sandbox import WebhookInbox

PRICE = Money(1999, "USD")
NOTHING = Money(0, "USD")
RETURN_URL = "http://shop.test/back"
DECLINED = "pm_card_chargeCustomerFail"
THREE_D_SECURE = "4000002500003155"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with running_peer(tmp_path_factory.mktemp("peer")) as peer:
        yield peer


@pytest.fixture
async def payments(peer: Peer) -> AsyncIterator[StripePayments]:
    payments = peer.payments()
    yield payments
    await payments.close()


@pytest.fixture
def order_id() -> UUID:
    return uuid4()


async def confirmed(payments: StripePayments, order_id: UUID, token: str = "pm_card_visa") -> Intent:
    intent = await payments.create(order_id, PRICE)
    return await payments.confirm(intent.ref, order_id, 1, token, RETURN_URL)


async def captured(payments: StripePayments, order_id: UUID) -> Intent:
    return await payments.capture((await confirmed(payments, order_id)).ref, order_id)


async def test_a_card_is_authorised_then_captured(payments: StripePayments, order_id: UUID) -> None:
    created = await payments.create(order_id, PRICE)
    assert created == Intent(created.ref, IntentStatus.UNPAID, PRICE, NOTHING, NOTHING, order_id)
    authorised = await payments.confirm(created.ref, order_id, 1, "pm_card_visa", RETURN_URL)
    assert (authorised.status, authorised.captured) == (IntentStatus.AUTHORIZED, NOTHING)
    taken = await payments.capture(created.ref, order_id)
    assert (taken.status, taken.captured, taken.refunded) == (IntentStatus.CAPTURED, PRICE, NOTHING)
    assert await payments.retrieve(created.ref) == taken


async def test_confirming_and_capturing_again_say_how_it_stands(payments: StripePayments, order_id: UUID) -> None:
    taken = await captured(payments, order_id)
    assert await payments.confirm(taken.ref, order_id, 2, "pm_card_visa", RETURN_URL) == taken
    assert await payments.capture(taken.ref, order_id) == taken
    assert await payments.void(taken.ref, order_id) == taken


async def test_a_void_takes_nothing_can_be_repeated_and_ends_the_intent(
    payments: StripePayments, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id)
    for _ in range(2):
        voided = await payments.void(intent.ref, order_id)
        assert (voided.status, voided.captured, voided.refunded) == (IntentStatus.VOIDED, NOTHING, NOTHING)
    late = await payments.confirm(intent.ref, order_id, 2, "pm_card_visa", RETURN_URL)
    assert late.status is IntentStatus.VOIDED


async def test_a_declined_card_says_so_and_leaves_the_intent_unpaid(payments: StripePayments, order_id: UUID) -> None:
    created = await payments.create(order_id, PRICE)
    with pytest.raises(PaymentDeclined) as refusal:
        await payments.confirm(created.ref, order_id, 1, DECLINED, RETURN_URL)
    assert refusal.value.facts == {"decline_code": "card_declined"}
    declined = await payments.retrieve(created.ref)
    assert (declined.status, declined.decline_code) == (IntentStatus.UNPAID, "card_declined")
    with pytest.raises(PaymentRefused):
        await payments.refund(created.ref, order_id, uuid4(), PRICE, 1)


async def test_the_bank_wants_the_shopper_who_passes(payments: StripePayments, peer: Peer, order_id: UUID) -> None:
    intent = await confirmed(payments, order_id, peer.card(THREE_D_SECURE))
    assert intent.status is IntentStatus.REQUIRES_ACTION
    peer.authenticate(intent.ref, success=True)
    assert (await payments.retrieve(intent.ref)).status is IntentStatus.AUTHORIZED
    assert (await payments.capture(intent.ref, order_id)).captured == PRICE


async def test_the_shopper_fails_at_the_bank_and_pays_with_another_card(
    payments: StripePayments, peer: Peer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id, peer.card(THREE_D_SECURE))
    peer.authenticate(intent.ref, success=False)
    failed = await payments.retrieve(intent.ref)
    assert (failed.status, failed.decline_code) == (IntentStatus.UNPAID, "payment_intent_authentication_failure")
    paid = await payments.confirm(intent.ref, order_id, 2, "pm_card_visa", RETURN_URL)
    assert (paid.status, paid.decline_code) == (IntentStatus.AUTHORIZED, None)


async def test_an_intent_that_the_bank_holds_can_be_given_up(
    payments: StripePayments, peer: Peer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id, peer.card(THREE_D_SECURE))
    assert (await payments.void(intent.ref, order_id)).status is IntentStatus.VOIDED


async def test_money_is_given_back_in_parts_and_each_is_found_by_our_id(
    payments: StripePayments, order_id: UUID
) -> None:
    taken = await captured(payments, order_id)
    part, rest = uuid4(), uuid4()
    assert await payments.find_refund(taken.ref, part) is None
    first = await payments.refund(taken.ref, order_id, part, Money(500, "USD"), 1)
    assert (first.status, first.amount, first.refund_id) == (RefundStatus.SUCCEEDED, Money(500, "USD"), part)
    assert (await payments.retrieve(taken.ref)).refunded == Money(500, "USD")
    second = await payments.refund(taken.ref, order_id, rest, Money(1499, "USD"), 1)
    assert (await payments.retrieve(taken.ref)).refunded == PRICE
    assert await payments.find_refund(taken.ref, part) == first
    assert {refund.ref for refund in await payments.refunds(taken.ref)} == {first.ref, second.ref}


async def test_an_intent_that_is_not_there_is_not_found(payments: StripePayments, order_id: UUID) -> None:
    assert await payments.find("pi_nobody") is None
    assert await payments.find((await payments.create(order_id, PRICE)).ref) is not None


async def test_the_journal_has_every_intent_once_over_several_pages(payments: StripePayments, order_id: UUID) -> None:
    taken = await captured(payments, order_id)
    await payments.refund(taken.ref, order_id, uuid4(), Money(1, "USD"), 1)
    made = {(await payments.create(uuid4(), PRICE)).ref for _ in range(JOURNAL_PAGE)}
    pages = [page async for page in payments.journal()]
    journal = {intent.ref: intent for page in pages for intent in page}
    assert len(pages) >= 2
    assert made <= journal.keys()
    assert sum(len(page) for page in pages) == len(journal)
    assert journal[taken.ref] == await payments.retrieve(taken.ref)
    [follow, *_] = [page async for page in payments.journal(after=pages[0][-1].ref)]
    assert follow == pages[1], "it goes on where somebody else ended"


async def test_a_webhook_of_the_peers_is_believed_and_names_its_order(
    payments: StripePayments, peer: Peer, order_id: UUID
) -> None:
    with WebhookInbox().listening() as inbox:
        peer.send_webhooks_to(inbox.url)
        taken = await captured(payments, order_id)
        inbox.wait_until(lambda: any(taken.ref.encode() in body for body, _ in inbox.received))
    [(payload, signature)] = [mail for mail in inbox.received if taken.ref.encode() in mail[0]]
    event = payments.verify_webhook(payload, signature)
    assert (event.type, event.intent_ref, event.order_id) == ("payment_intent.succeeded", taken.ref, order_id)
