"""Refunds through the adapter against the sandbox: once for each key, found again, never more than was captured."""

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.errors import PaymentRefused
from domain.money import Money
from domain.orders import RefundStatus
from gateways.payments import KeyUsedUp, ProviderRefund, ProviderUnavailable
from gateways.stripe_payments import StripePayments
from tests.sandbox import SandboxServer, WebhookInbox

PRICE = Money(1999, "USD")
SOME = Money(500, "USD")
ORDER_ID = uuid4()


@pytest.fixture
async def ref(payments: StripePayments) -> str:
    """Of an intent that was captured."""
    return await captured(payments, uuid4())


async def captured(payments: StripePayments, order_id: UUID, amount: Money = PRICE, token: str = "pm_card_visa") -> str:
    intent = await payments.create(order_id, amount)
    await payments.confirm(intent.ref, order_id, 1, token, "http://shop.test/back")
    return (await payments.capture(intent.ref, order_id)).ref


async def give_back(
    payments: StripePayments, ref: str, refund_id: UUID, amount: Money = SOME, key: int = 1
) -> ProviderRefund:
    return await payments.refund(ref, ORDER_ID, refund_id, amount, key)


def refunds_of(sandbox: SandboxServer, ref: str) -> list[int]:
    return [refund["amount"] for refund in sandbox.intent(ref)["refunds"]]


async def test_a_refund_is_made_once_per_key_and_found_by_our_id(
    payments: StripePayments, sandbox: SandboxServer, ref: str
) -> None:
    refund_id = uuid4()
    assert await payments.find_refund(ref, refund_id) is None
    first, again = [await give_back(payments, ref, refund_id) for _ in range(2)]
    assert first == again == await payments.find_refund(ref, refund_id)
    assert (first.status, first.amount, first.refund_id) == (RefundStatus.SUCCEEDED, SOME, refund_id)
    assert refunds_of(sandbox, ref) == [500]
    assert (await payments.retrieve(ref)).refunded == SOME


@pytest.mark.parametrize(("amount", "currency"), [(1, "USD"), (1500, "JPY"), (12_345, "KWD")])
async def test_a_refund_is_counted_in_minor_units(payments: StripePayments, amount: int, currency: str) -> None:
    ref = await captured(payments, uuid4(), Money(20_000, currency))
    assert (await give_back(payments, ref, uuid4(), Money(amount, currency))).amount == Money(amount, currency)


async def test_more_than_what_is_left_is_refused_with_the_providers_word(
    payments: StripePayments, sandbox: SandboxServer, ref: str
) -> None:
    await give_back(payments, ref, uuid4(), Money(1500, "USD"))
    with pytest.raises(PaymentRefused) as refusal:
        await give_back(payments, ref, uuid4())
    assert refusal.value.facts == {"reason": "amount_too_large"}
    await give_back(payments, ref, uuid4(), Money(499, "USD"))
    with pytest.raises(PaymentRefused) as refusal:
        await give_back(payments, ref, uuid4(), Money(1, "USD"))
    assert refusal.value.facts == {"reason": "charge_already_refunded"}
    assert sum(refunds_of(sandbox, ref)) == 1999


async def test_what_was_never_captured_is_refused(payments: StripePayments) -> None:
    order_id = uuid4()
    intent = await payments.create(order_id, PRICE)
    with pytest.raises(PaymentRefused) as unpaid:
        await give_back(payments, intent.ref, uuid4())
    await payments.confirm(intent.ref, order_id, 1, "pm_card_visa", "http://shop.test/back")
    with pytest.raises(PaymentRefused) as held:
        await give_back(payments, intent.ref, uuid4())
    assert [refusal.value.facts["reason"] for refusal in (unpaid, held)] == ["not_captured", "charge_not_refundable"]


async def test_a_key_that_came_with_another_amount_tells_no_reason(payments: StripePayments, ref: str) -> None:
    """Whether the first one went through is not said: nobody may take this for a refusal of the refund."""
    refund_id = uuid4()
    await give_back(payments, ref, refund_id)
    with pytest.raises(PaymentRefused) as refusal:
        await give_back(payments, ref, refund_id, Money(501, "USD"))
    assert refusal.value.facts == {}


@pytest.mark.parametrize("kind", ["drop_reply", "outage"])
async def test_the_same_key_repeats_what_got_no_answer(
    payments: StripePayments, sandbox: SandboxServer, ref: str, kind: str
) -> None:
    refund_id = uuid4()
    sandbox.fault("refund", kind)
    with pytest.raises(ProviderUnavailable) as unknown:
        await give_back(payments, ref, refund_id)
    assert not isinstance(unknown.value, KeyUsedUp)
    assert (await give_back(payments, ref, refund_id)).amount == SOME
    assert refunds_of(sandbox, ref) == [500]


async def test_a_call_that_is_still_running_is_not_doubled(
    payments: StripePayments, sandbox: SandboxServer, ref: str
) -> None:
    refund_id = uuid4()
    sandbox.fault("refund", "slow", delay_seconds=0.5)
    first = asyncio.create_task(give_back(payments, ref, refund_id))
    while sandbox.faults():  # until it has arrived
        assert await payments.find_refund(ref, refund_id) is None
    with pytest.raises(ProviderUnavailable, match="409"):
        await give_back(payments, ref, refund_id)
    assert await first == await payments.find_refund(ref, refund_id)
    assert refunds_of(sandbox, ref) == [500]


async def test_an_answered_failure_uses_its_key_up_and_the_refund_is_found(
    payments: StripePayments, sandbox: SandboxServer, ref: str
) -> None:
    refund_id = uuid4()
    sandbox.fault("refund", "error_after")
    with pytest.raises(ProviderUnavailable) as first:
        await give_back(payments, ref, refund_id)
    assert not isinstance(first.value, KeyUsedUp), "a proxy may have answered while the provider still works"
    with pytest.raises(KeyUsedUp):
        await give_back(payments, ref, refund_id)
    found = await payments.find_refund(ref, refund_id)
    assert found is not None
    assert refunds_of(sandbox, ref) == [500]


@pytest.mark.parametrize(("is_paid", "end"), [(True, RefundStatus.SUCCEEDED), (False, RefundStatus.FAILED)])
async def test_a_refund_that_the_bank_takes_its_time_with_is_pending_until_it_is_settled(
    payments: StripePayments, sandbox: SandboxServer, is_paid: bool, end: RefundStatus
) -> None:
    ref = await captured(payments, uuid4(), token="pm_card_pendingRefund")
    refund_id = uuid4()
    pending = await give_back(payments, ref, refund_id)
    assert pending.status is RefundStatus.PENDING
    sandbox.settle_refund(pending.ref, is_paid=is_paid)
    settled = await payments.find_refund(ref, refund_id)
    assert settled is not None
    assert settled.status is end
    assert (await payments.retrieve(ref)).refunded == (SOME if is_paid else Money(0, "USD"))


async def test_webhooks_about_a_refund_name_it(
    payments: StripePayments, sandbox: SandboxServer, inbox: WebhookInbox
) -> None:
    ref = await captured(payments, ORDER_ID, token="pm_card_pendingRefund")
    refund_id = uuid4()
    sandbox.settle_refund((await give_back(payments, ref, refund_id)).ref, is_paid=False)
    of_refund = ["refund.created", "refund.updated", "charge.refund.updated", "refund.failed"]

    def told() -> dict[str, UUID | None]:
        mails = [mail for mail in inbox.received if str(refund_id).encode() in mail[0]]
        return {event.type: event.refund_id for event in (payments.verify_webhook(*mail) for mail in mails)}

    inbox.wait_until(lambda: len(told()) == len(of_refund))
    assert told() == dict.fromkeys(of_refund, refund_id)


async def test_refunds_of_one_intent_are_listed_the_newest_first_with_those_that_others_made(
    payments: StripePayments, sandbox: SandboxServer, ref: str
) -> None:
    ours, other = uuid4(), await captured(payments, uuid4())
    await give_back(payments, other, uuid4())
    await give_back(payments, ref, ours)
    async with sandbox.api() as api:
        (await api.post("/v1/refunds", data={"payment_intent": ref, "amount": "7"})).raise_for_status()
    found = await payments.refunds(ref)
    assert [(refund.refund_id, refund.amount.amount) for refund in found] == [(None, 7), (ours, 500)]


async def test_more_than_a_page_of_refunds_is_read_to_the_end(payments: StripePayments, ref: str) -> None:
    first = uuid4()
    await give_back(payments, ref, first, Money(1, "USD"))
    for _ in range(10):
        await asyncio.gather(*(give_back(payments, ref, uuid4(), Money(1, "USD")) for _ in range(10)))
    assert len(await payments.refunds(ref)) == 101
    assert await payments.find_refund(ref, first) is not None
