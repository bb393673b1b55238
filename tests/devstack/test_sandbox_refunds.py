"""Refunds of the sandbox through the official SDK: never more than was captured."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import stripe
from stripe import StripeClient

from tests.sandbox import SandboxServer, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture
async def client(sandbox: SandboxServer) -> AsyncIterator[StripeClient]:
    http = stripe.HTTPXClient(timeout=20)
    yield StripeClient(sandbox.api_key, base_addresses={"api": sandbox.base}, http_client=http, max_network_retries=0)
    await http.close_async()  # type: ignore[no-untyped-call]


async def captured(client: StripeClient, amount: int | None = None) -> stripe.PaymentIntent:
    intents = client.v1.payment_intents
    intent = await intents.create_async({"amount": 1000, "currency": "eur", "capture_method": "manual"})
    await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    return await intents.capture_async(intent.id, {"amount_to_capture": amount or 1000})


async def charge_of(client: StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, str)
    return await client.v1.charges.retrieve_async(intent.latest_charge)


async def test_a_refund_without_an_amount_gives_all_of_it_back(client: StripeClient) -> None:
    intent = await captured(client)
    refund = await client.v1.refunds.create_async(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"return_id": "r-1"}}
    )
    assert (refund.amount, refund.currency, refund.status) == (1000, "eur", "succeeded")
    assert (refund.payment_intent, refund.charge) == (intent.id, intent.latest_charge)
    assert (refund.reason, refund.to_dict()["metadata"]) == ("requested_by_customer", {"return_id": "r-1"})
    charge = await charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert (await client.v1.refunds.retrieve_async(refund.id)).id == refund.id


async def test_parts_add_up_to_what_was_captured_and_no_further(client: StripeClient) -> None:
    intent = await captured(client, 700)
    for amount in (300, 350):
        await client.v1.refunds.create_async({"charge": str(intent.latest_charge), "amount": amount})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 51})
    assert (refusal.value.http_status, refusal.value.param) == (400, "amount")
    last = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert last.amount == 50
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refusal.value.code == "charge_already_refunded"
    refunds = await client.v1.refunds.list_async({"payment_intent": intent.id})
    assert [refund.amount for refund in refunds.data] == [50, 350, 300]


async def test_refunds_that_race_give_back_no_more_than_was_captured(client: StripeClient) -> None:
    intent = await captured(client)
    answers = await asyncio.gather(
        *(client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 300}) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, stripe.Refund) for answer in answers) == 3
    assert sum(isinstance(answer, stripe.InvalidRequestError) for answer in answers) == 5
    assert (await charge_of(client, intent)).amount_refunded == 900


async def test_one_key_refunds_once(client: StripeClient) -> None:
    intent = await captured(client)
    refunds = [
        await client.v1.refunds.create_async(
            {"payment_intent": intent.id, "amount": 400}, {"idempotency_key": f"{intent.id}:refund"}
        )
        for _ in range(2)
    ]
    assert refunds[0].id == refunds[1].id
    assert (await charge_of(client, intent)).amount_refunded == 400


async def test_money_that_was_never_captured_is_not_refunded(client: StripeClient) -> None:
    intents = client.v1.payment_intents
    unpaid = await intents.create_async({"amount": 1000, "currency": "eur", "capture_method": "manual"})
    held = await intents.create_async(
        {
            "amount": 1000,
            "currency": "eur",
            "capture_method": "manual",
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    )
    for intent in (unpaid, held):
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await client.v1.refunds.list_async({"payment_intent": held.id})).data == []


async def test_a_refund_of_nothing_known_is_refused(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.refunds.create_async({})
    assert refusal.value.code == "parameter_missing"
    for subject in ({"payment_intent": "pi_nobody"}, {"charge": "ch_nobody"}):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.refunds.create_async(subject)  # type: ignore[arg-type]
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


async def test_a_refund_is_settled_once_and_one_that_failed_may_be_made_again(
    client: StripeClient, sandbox: SandboxServer
) -> None:
    intents = client.v1.payment_intents
    intent = await intents.create_async({"amount": 1000, "currency": "eur"})
    await intents.confirm_async(intent.id, {"payment_method": "pm_card_pendingRefund"})
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "pending"
    with pytest.raises(stripe.InvalidRequestError):  # what is pending is spoken for
        await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1})
    sandbox.settle_refund(refund.id, is_paid=False)
    again = await client.v1.refunds.create_async({"payment_intent": intent.id})
    sandbox.settle_refund(again.id, is_paid=True)
    for settled in (refund.id, again.id, "re_nobody"):
        with pytest.raises(httpx.HTTPStatusError):
            sandbox.settle_refund(settled, is_paid=False)
    charge = await charge_of(client, await intents.retrieve_async(intent.id))
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
