"""refund_payment by the real adapter at the sandbox: whatever goes wrong on the way, the money goes back once."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from activities.refunds import RefundActivities
from core.database import Database
from domain.errors import PaymentRefused
from domain.messages.refunds import RefundInput, RefundOutcome
from domain.money import Money
from gateways.payments import ProviderUnavailable
from gateways.stripe_payments import StripePayments
from models.payments import RefundCause
from services import payments as payment_service
from services import refunds as refund_service
from services.refunds import Claim
from tests.activities.conftest import run
from tests.builders import Shop
from tests.sandbox import SandboxServer, running_sandbox

TRIES = 20
"""More than any of the faults lasts."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture
async def gateway(sandbox: SandboxServer) -> AsyncIterator[StripePayments]:
    """Hasty: what the sandbox holds back for a second gets no answer."""
    sandbox.clear_faults()
    gateway = sandbox.payments(timeout=0.5)
    yield gateway
    await gateway.close()


@pytest.fixture
async def ref(shop: Shop, gateway: StripePayments) -> str:
    """The provider's, of a paid order of two lamps."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2})
    intent = await gateway.create(order_id, Money(3998, "USD"))
    await gateway.confirm(intent.ref, order_id, 1, "pm_card_visa", "http://shop.test/back")
    await gateway.capture(intent.ref, order_id)
    await shop.rows("UPDATE payments SET provider_ref = :ref", ref=intent.ref)
    return intent.ref


async def claimed(shop: Shop, amount: int = 500) -> RefundInput:
    ((order_id,),) = await shop.rows("SELECT order_id FROM payments")
    async with shop.database.transaction() as session:
        payment = await payment_service.locked(session, order_id)
        refund = await refund_service.claim(session, payment, Claim(RefundCause.STAFF, "staff", amount=amount))
    return RefundInput(str(refund.id), str(order_id))


async def until_done(refunds: RefundActivities, step: RefundInput) -> RefundOutcome:
    """As Temporal repeats it, without the waits between."""
    for _ in range(TRIES):
        try:
            return await run(refunds.refund_payment, step)
        except ProviderUnavailable:
            continue
    raise AssertionError("the refund does not come to an end")


@pytest.mark.parametrize("operation", ["refund", "list"])
@pytest.mark.parametrize("kind", ["outage", "error_after", "drop_reply", "slow", "slow_reply"])
async def test_a_call_that_goes_wrong_gives_back_once(
    shop: Shop, database: Database, sandbox: SandboxServer, gateway: StripePayments, ref: str,
    operation: str, kind: str,
) -> None:  # fmt: skip
    refunds = RefundActivities(database, gateway)
    step = await claimed(shop)
    sandbox.fault(operation, kind, times=2, delay_seconds=0.6)
    assert await until_done(refunds, step) == RefundOutcome(step.refund_id, "succeeded")
    assert [refund["amount"] for refund in sandbox.intent(ref)["refunds"]] == [500]
    await shop.require_invariants()


async def test_a_refusal_after_a_lost_reply_does_not_hide_what_was_done(
    shop: Shop, database: Database, sandbox: SandboxServer, gateway: StripePayments, ref: str
) -> None:
    refunds = RefundActivities(database, gateway)
    step = await claimed(shop, 3997)
    sandbox.fault("refund", "drop_reply")
    with pytest.raises(ProviderUnavailable):
        await run(refunds.refund_payment, step)
    with pytest.raises(PaymentRefused, match="amount_too_large"):  # nothing is left for another one
        await gateway.refund(ref, uuid4(), uuid4(), Money(500, "USD"), 1)
    assert await until_done(refunds, step) == RefundOutcome(step.refund_id, "succeeded")
    await shop.require_invariants()
