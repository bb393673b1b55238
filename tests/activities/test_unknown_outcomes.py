"""What happened is not known: a reply dropped, a 500 after the work, a time-out, an outage. Against the sandbox.

Each step is tried again as Temporal would, and asks the provider before it repeats or undoes anything.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from activities.payments import PaymentActivities
from core.database import Database
from domain.messages.checkout import AuthorisePayment, OrderStep, PaymentOutcome
from gateways.payments import ProviderUnavailable
from gateways.stripe_payments import StripePayments
from tests.activities.conftest import RETURN_URL, run
from tests.builders import Shop
from tests.sandbox import SandboxServer, running_sandbox

TIMEOUT = 1.0
"""Seconds that the adapter waits for an answer here; the sandbox makes it wait twice as long."""

UNKNOWN = ["drop_reply", "error_after", "slow_reply", "outage"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("provider")) as server:
        yield server


@pytest.fixture
async def stripe(provider: SandboxServer) -> AsyncIterator[StripePayments]:
    provider.clear_faults()
    gateway = provider.payments(timeout=TIMEOUT)
    yield gateway
    await gateway.close()


@pytest.fixture
def steps(database: Database, stripe: StripePayments) -> PaymentActivities:
    return PaymentActivities(database, stripe, RETURN_URL)


@pytest.fixture
async def order_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.held({"LAMP": 2})


async def insist(activity: Callable[[Any], Awaitable[PaymentOutcome]], step: Any) -> tuple[PaymentOutcome, int]:
    """What came of it in the end, and how many attempts did not know."""
    for attempt in range(1, 6):
        try:
            return await run(activity, step, attempt=attempt), attempt - 1
        except ProviderUnavailable:
            continue
    raise AssertionError("no attempt came to know what happened")


async def at_the_provider(shop: Shop, provider: SandboxServer, order_id: UUID) -> dict[str, Any]:
    """The intent that our payment names: no other one of the order's may hold money."""
    ref = (await shop.payment(order_id)).provider_ref
    of_order = [one for one in provider.journal() if one["metadata"]["order_id"] == str(order_id)]
    assert [one["id"] for one in of_order if one["charges"]] == [ref]
    return next(one for one in of_order if one["id"] == ref)


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("operation", ["create", "confirm", "retrieve"])
async def test_an_authorisation_whose_outcome_is_unknown_is_made_once(
    operation: str, kind: str, shop: Shop, provider: SandboxServer, steps: PaymentActivities, order_id: UUID
) -> None:
    if operation == "retrieve":
        provider.fault("confirm", "drop_reply")
    provider.fault(operation, kind, delay_seconds=2 * TIMEOUT)
    outcome, unknown = await insist(steps.authorise_payment, AuthorisePayment(str(order_id), 1))
    assert (outcome.status, unknown > 0) == ("authorized", True)
    intent = await at_the_provider(shop, provider, order_id)
    assert (intent["status"], len(intent["charges"])) == ("requires_capture", 1)


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_a_capture_whose_outcome_is_unknown_is_taken_and_booked_once(
    kind: str, shop: Shop, provider: SandboxServer, steps: PaymentActivities, order_id: UUID
) -> None:
    await run(steps.authorise_payment, AuthorisePayment(str(order_id), 1))
    provider.fault("capture", kind, delay_seconds=2 * TIMEOUT)
    outcome, unknown = await insist(steps.capture_payment, OrderStep(str(order_id)))
    assert (outcome.status, unknown > 0) == ("captured", True)
    intent = await at_the_provider(shop, provider, order_id)
    assert (intent["amount_received"], len(intent["charges"])) == (2 * 1999, 1)
    assert (await shop.payment(order_id)).captured == 2 * 1999
    assert await shop.rows("SELECT count(*) FROM ledger_transactions") == [(1,)]


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_a_void_whose_outcome_is_unknown_lets_go_of_the_money(
    kind: str, shop: Shop, provider: SandboxServer, steps: PaymentActivities, order_id: UUID
) -> None:
    await run(steps.authorise_payment, AuthorisePayment(str(order_id), 1))
    provider.fault("cancel", kind, delay_seconds=2 * TIMEOUT)
    outcome, unknown = await insist(steps.void_payment, OrderStep(str(order_id)))
    assert (outcome.status, unknown > 0) == ("voided", True)
    intent = await at_the_provider(shop, provider, order_id)
    assert (intent["status"], intent["amount_received"]) == ("canceled", 0)


@pytest.mark.parametrize("kind", ["drop_reply", "error_after", "slow_reply"])
async def test_what_is_undone_after_an_unknown_authorisation_holds_no_money(
    kind: str, shop: Shop, provider: SandboxServer, steps: PaymentActivities, order_id: UUID
) -> None:
    provider.fault("confirm", kind, delay_seconds=2 * TIMEOUT)
    with pytest.raises(ProviderUnavailable):
        await run(steps.authorise_payment, AuthorisePayment(str(order_id), 1))
    assert (await insist(steps.void_payment, OrderStep(str(order_id))))[0].status == "voided"
    assert (await at_the_provider(shop, provider, order_id))["status"] == "canceled"


async def test_an_undo_that_meets_an_unknown_capture_finds_and_keeps_the_money(
    shop: Shop, provider: SandboxServer, steps: PaymentActivities, order_id: UUID
) -> None:
    await run(steps.authorise_payment, AuthorisePayment(str(order_id), 1))
    provider.fault("capture", "error_after")
    with pytest.raises(ProviderUnavailable):
        await run(steps.capture_payment, OrderStep(str(order_id)))
    assert (await insist(steps.void_payment, OrderStep(str(order_id))))[0].status == "captured"
    assert (await shop.payment(order_id)).captured == 2 * 1999
