"""The adapter against the sandbox provider: what money does, and what is told when something goes wrong."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import PaymentDeclined, PaymentRefused, PaymentTokenUnknown
from domain.money import Money
from gateways.payments import Intent, IntentStatus, ProviderUnavailable
from gateways.stripe_payments import StripePayments
from tests.sandbox import SandboxServer

PRICE = Money(1999, "USD")
NOTHING = Money(0, "USD")
RETURN_URL = "http://shop.test/back"


@pytest.fixture
def order_id() -> UUID:
    return uuid4()


async def confirmed(payments: StripePayments, order_id: UUID, token: str = "pm_card_visa", attempt: int = 1) -> Intent:
    intent = await payments.create(order_id, PRICE)
    return await payments.confirm(intent.ref, order_id, attempt, token, RETURN_URL)


async def test_a_card_is_authorised_then_captured(payments: StripePayments, order_id: UUID) -> None:
    intent = await payments.create(order_id, PRICE)
    assert intent == Intent(intent.ref, IntentStatus.UNPAID, PRICE, NOTHING, NOTHING, order_id)
    authorised = await payments.confirm(intent.ref, order_id, 1, "pm_card_visa", RETURN_URL)
    assert (authorised.status, authorised.captured) == (IntentStatus.AUTHORIZED, NOTHING)
    captured = await payments.capture(intent.ref, order_id)
    assert (captured.status, captured.captured, captured.refunded) == (IntentStatus.CAPTURED, PRICE, NOTHING)
    assert await payments.retrieve(intent.ref) == captured


@pytest.mark.parametrize(("amount", "currency"), [(1, "JPY"), (1500, "KWD"), (99_999_999, "EUR")])
async def test_amounts_keep_their_minor_units(
    payments: StripePayments, order_id: UUID, amount: int, currency: str
) -> None:
    intent = await payments.create(order_id, Money(amount, currency))
    assert intent.amount == Money(amount, currency)


async def test_capturing_twice_takes_the_money_once(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id)
    await payments.capture(intent.ref, order_id)
    again = await payments.capture(intent.ref, order_id)
    assert again.status is IntentStatus.CAPTURED
    assert sum(charge["amount_captured"] for charge in sandbox.intent(intent.ref)["charges"]) == PRICE.amount


async def test_a_void_takes_nothing_and_can_be_repeated(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id)
    for _ in range(2):
        voided = await payments.void(intent.ref, order_id)
        assert (voided.status, voided.captured) == (IntentStatus.VOIDED, NOTHING)
    assert [charge["amount_captured"] for charge in sandbox.intent(intent.ref)["charges"]] == [0]
    with pytest.raises(PaymentRefused, match="cannot be captured: it is voided"):
        await payments.capture(intent.ref, order_id)


async def test_a_void_before_the_confirmation_closes_the_intent(payments: StripePayments, order_id: UUID) -> None:
    intent = await payments.create(order_id, PRICE)
    await payments.void(intent.ref, order_id)
    late = await payments.confirm(intent.ref, order_id, 1, "pm_card_visa", RETURN_URL)
    assert late.status is IntentStatus.VOIDED


async def test_a_void_after_the_capture_says_captured(payments: StripePayments, order_id: UUID) -> None:
    intent = await confirmed(payments, order_id)
    await payments.capture(intent.ref, order_id)
    assert (await payments.void(intent.ref, order_id)).status is IntentStatus.CAPTURED


@pytest.mark.parametrize(
    ("token", "decline_code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
async def test_a_declined_card_says_why_and_another_may_pay(
    payments: StripePayments, order_id: UUID, token: str, decline_code: str
) -> None:
    intent = await payments.create(order_id, PRICE)
    with pytest.raises(PaymentDeclined) as refusal:
        await payments.confirm(intent.ref, order_id, 1, token, RETURN_URL)
    assert refusal.value.facts == {"decline_code": decline_code}
    declined = await payments.retrieve(intent.ref)
    assert (declined.status, declined.decline_code) == (IntentStatus.UNPAID, decline_code)
    paid = await payments.confirm(intent.ref, order_id, 2, "pm_card_visa", RETURN_URL)
    assert (paid.status, paid.decline_code) == (IntentStatus.AUTHORIZED, None)


@pytest.mark.parametrize("token", ["pm_card_nobody", "4242424242424242", "tok_visa"])
async def test_an_unknown_token_is_named_as_such_and_charges_nothing(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID, token: str
) -> None:
    with pytest.raises(PaymentTokenUnknown):
        await confirmed(payments, order_id, token)
    assert sandbox.intent((await payments.create(order_id, PRICE)).ref)["charges"] == []


async def test_a_slow_provider_answers_late(payments: StripePayments, order_id: UUID) -> None:
    assert (await confirmed(payments, order_id, "pm_sandbox_slow")).status is IntentStatus.AUTHORIZED


async def test_a_call_that_is_given_up_charges_once_all_the_same(
    sandbox: SandboxServer, payments: StripePayments, order_id: UUID
) -> None:
    hasty = sandbox.payments(timeout=1.5)
    intent = await payments.create(order_id, PRICE)
    with pytest.raises(ProviderUnavailable):
        await hasty.confirm(intent.ref, order_id, 1, "pm_sandbox_slow", RETURN_URL)
    await hasty.close()
    with pytest.raises(ProviderUnavailable, match="409"):  # the key is still being worked on
        await payments.confirm(intent.ref, order_id, 1, "pm_sandbox_slow", RETURN_URL)
    another_key = await payments.confirm(intent.ref, order_id, 2, "pm_sandbox_slow", RETURN_URL)
    assert another_key.status is IntentStatus.AUTHORIZED
    assert len(sandbox.intent(intent.ref)["charges"]) == 1


async def test_a_dropped_reply_is_unknown_and_one_retrieve_tells(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await payments.create(order_id, PRICE)
    with pytest.raises(ProviderUnavailable):
        await payments.confirm(intent.ref, order_id, 1, "pm_sandbox_unknown", RETURN_URL)
    assert (await payments.retrieve(intent.ref)).status is IntentStatus.AUTHORIZED
    repeated = await payments.confirm(intent.ref, order_id, 1, "pm_sandbox_unknown", RETURN_URL)
    another_key = await payments.confirm(intent.ref, order_id, 2, "pm_sandbox_unknown", RETURN_URL)
    assert repeated.status is another_key.status is IntentStatus.AUTHORIZED
    assert len(sandbox.intent(intent.ref)["charges"]) == 1


async def test_an_outage_passes_with_the_third_try(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await payments.create(order_id, PRICE)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="503"):
            await payments.confirm(intent.ref, order_id, 1, "pm_sandbox_outage", RETURN_URL)
        assert (await payments.retrieve(intent.ref)).status is IntentStatus.UNPAID
    third = await payments.confirm(intent.ref, order_id, 1, "pm_sandbox_outage", RETURN_URL)
    assert third.status is IntentStatus.AUTHORIZED
    assert len(sandbox.intent(intent.ref)["charges"]) == 1


async def test_the_bank_may_want_the_shopper_who_approves(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id, "pm_card_authenticationRequired")
    assert intent.status is IntentStatus.REQUIRES_ACTION
    assert str(intent.redirect_url).startswith(f"{sandbox.base}/")
    sandbox.approve(intent.ref)
    approved = await payments.retrieve(intent.ref)
    assert (approved.status, approved.redirect_url) == (IntentStatus.AUTHORIZED, None)
    assert (await payments.capture(intent.ref, order_id)).captured == PRICE


async def test_the_shopper_may_decline_at_the_bank_and_pay_with_another_card(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await confirmed(payments, order_id, "pm_card_authenticationRequired")
    sandbox.decline(intent.ref)
    declined = await payments.retrieve(intent.ref)
    assert declined.status is IntentStatus.UNPAID
    assert declined.decline_code == "payment_intent_authentication_failure"
    paid = await payments.confirm(intent.ref, order_id, 2, "pm_card_visa", RETURN_URL)
    assert paid.status is IntentStatus.AUTHORIZED


async def test_a_refund_at_the_provider_is_told_and_a_void_is_none(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    refunded, voided = await confirmed(payments, order_id), await confirmed(payments, uuid4())
    await payments.capture(refunded.ref, order_id)
    async with sandbox.api() as api:
        (await api.post("/v1/refunds", data={"payment_intent": refunded.ref, "amount": "500"})).raise_for_status()
    await payments.void(voided.ref, order_id)
    journal = {intent.ref: intent async for page in payments.journal() for intent in page}
    assert journal[refunded.ref] == await payments.retrieve(refunded.ref)
    assert journal[refunded.ref].refunded == Money(500, "USD")
    assert journal[voided.ref].refunded == NOTHING


async def test_creating_twice_makes_one_intent(payments: StripePayments, order_id: UUID) -> None:
    first, second = await payments.create(order_id, PRICE), await payments.create(order_id, PRICE)
    assert first.ref == second.ref
    assert (await payments.create(order_id, PRICE, attempt=2)).ref != first.ref


async def test_one_key_with_another_amount_is_refused(payments: StripePayments, order_id: UUID) -> None:
    await payments.create(order_id, PRICE)
    with pytest.raises(PaymentRefused):
        await payments.create(order_id, Money(2000, "USD"))


async def test_a_failure_after_the_charge_is_replayed_for_its_key_and_a_retrieve_tells(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await payments.create(order_id, PRICE)
    sandbox.fault("confirm", "error_after")
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="500"):
            await payments.confirm(intent.ref, order_id, 1, "pm_card_visa", RETURN_URL)
    assert (await payments.retrieve(intent.ref)).status is IntentStatus.AUTHORIZED


@pytest.mark.parametrize("kind", ["error_after", "drop_reply", "outage"])
async def test_a_capture_that_went_wrong_is_repeated_safely(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID, kind: str
) -> None:
    intent = await confirmed(payments, order_id)
    sandbox.fault("capture", kind)
    with pytest.raises(ProviderUnavailable):
        await payments.capture(intent.ref, order_id)
    assert (await payments.capture(intent.ref, order_id)).captured == PRICE
    assert sum(charge["amount_captured"] for charge in sandbox.intent(intent.ref)["charges"]) == PRICE.amount


async def test_confirming_ten_times_at_once_charges_once(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await payments.create(order_id, PRICE)
    answers = await asyncio.gather(
        *(payments.confirm(intent.ref, order_id, attempt, "pm_card_visa", RETURN_URL) for attempt in range(1, 11))
    )
    assert {answer.status for answer in answers} == {IntentStatus.AUTHORIZED}
    assert len(sandbox.intent(intent.ref)["charges"]) == 1


async def test_confirming_and_voiding_at_once_leaves_no_money_with_the_loser(
    payments: StripePayments, sandbox: SandboxServer
) -> None:
    for _ in range(10):
        order_id = uuid4()
        intent = await payments.create(order_id, PRICE)
        await asyncio.gather(
            payments.confirm(intent.ref, order_id, 1, "pm_card_visa", RETURN_URL), payments.void(intent.ref, order_id)
        )
        ended = sandbox.intent(intent.ref)
        assert (ended["status"], ended["amount_capturable"], ended["amount_received"]) == ("canceled", 0, 0)


async def test_a_provider_that_is_away_is_said_to_be(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = SandboxServer(tmp_path_factory.mktemp("nowhere")).payments()
    with pytest.raises(ProviderUnavailable):
        await nowhere.retrieve("pi_1")
    await nowhere.close()


async def test_a_wrong_api_key_and_an_unknown_intent_are_refusals(
    sandbox: SandboxServer, payments: StripePayments
) -> None:
    stranger = StripePayments("sk_test_other", base=sandbox.base, webhook_secrets=["whsec_x"])
    with pytest.raises(PaymentRefused):
        await stranger.retrieve("pi_1")
    await stranger.close()
    with pytest.raises(PaymentRefused):
        await payments.retrieve("pi_1")


async def test_the_journal_pages_through_more_than_a_hundred_intents(payments: StripePayments) -> None:
    order_ids = {uuid4() for _ in range(130)}
    await asyncio.gather(*(payments.create(order_id, PRICE) for order_id in order_ids))
    journal = [intent async for page in payments.journal() for intent in page]
    assert order_ids <= {intent.order_id for intent in journal}
    assert len({intent.ref for intent in journal}) == len(journal)


async def test_the_journal_begins_where_it_is_told_and_goes_on_after_an_intent(payments: StripePayments) -> None:
    made = [(await payments.create(uuid4(), PRICE)) for _ in range(3)]
    after = [one.ref async for page in payments.journal(after=made[2].ref) for one in page]
    assert after[:2] == [made[1].ref, made[0].ref]
    start = made[0].created
    assert start is not None
    assert {one.ref for one in made} <= {one.ref async for page in payments.journal(start) for one in page}
    assert [page async for page in payments.journal(start + timedelta(minutes=1))] == []


async def test_an_intent_that_is_not_there_is_not_found_and_a_wrong_key_is_no_answer(
    payments: StripePayments, sandbox: SandboxServer, order_id: UUID
) -> None:
    intent = await payments.create(order_id, PRICE)
    assert await payments.find(intent.ref) == intent
    assert await payments.find("pi_nobody") is None
    stranger = StripePayments("sk_test_other", base=sandbox.base, webhook_secrets=["whsec_x"])
    with pytest.raises(PaymentRefused):
        await stranger.find(intent.ref)
    await stranger.close()
