"""Refunds on a server that skips time: a provider that is away for hours costs nobody anything."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.checkout import Progress
from domain.messages.refunds import RefundInput, RefundOutcome
from domain.money import Money
from domain.orders import RefundStatus, refund_workflow_id
from models.payments import RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.histories import record
from workflows.attributes import ORDER_ID
from workflows.refund import RefundWorkflow

Refunding = WorkflowHandle[RefundWorkflow, RefundOutcome]


@pytest.fixture
async def ref(shop: Shop, gateway: FakePayments) -> str:
    """The provider's, of a paid order of two lamps."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2})
    return gateway.pay(order_id, Money(3998, "USD"))


@pytest.fixture
async def claimed(shop: Shop, ref: str) -> RefundInput:
    order_id = UUID(ref.removeprefix("pi_"))
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        refund = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "staff", amount=500))
    return RefundInput(str(refund.id), str(order_id))


@pytest.fixture
async def refunding(
    skipping_client: Client, settings: Settings, claimed: RefundInput, worker: Worker, request: pytest.FixtureRequest
) -> AsyncIterator[Refunding]:
    handle: Refunding = await skipping_client.start_workflow(
        RefundWorkflow.run,
        claimed,
        id=refund_workflow_id(claimed.refund_id),
        task_queue=settings.task_queue,
        search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, claimed.order_id)]),
    )
    yield handle
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        record(request.node.name, await handle.fetch_history())


@pytest.fixture
async def stuck(time_skipping: WorkflowEnvironment, refunding: Refunding) -> Progress:
    """As staff see it, once it is."""
    await time_skipping.sleep(timedelta(minutes=2))
    return await refunding.query(RefundWorkflow.progress)


@pytest.mark.history
async def test_a_refund_tells_whoever_waits_for_it(
    refunding: Refunding, claimed: RefundInput, shop: Shop, gateway: FakePayments, ref: str
) -> None:
    done = RefundOutcome(claimed.refund_id, "succeeded")
    assert await refunding.execute_update(RefundWorkflow.outcome, claimed) == done
    assert await refunding.result() == done
    assert [refund.amount for refund in gateway.given_back[ref]] == [Money(500, "USD")]
    await shop.require_invariants()


class TestRefused:
    @pytest.fixture(autouse=True)
    def nothing_left(self, gateway: FakePayments, ref: str) -> None:
        """Somebody at the provider's was faster."""
        gateway.give_back(ref, Money(3998, "USD"))

    @pytest.mark.history
    async def test_a_refund_that_the_provider_refuses_ends_as_failed(
        self, refunding: Refunding, claimed: RefundInput
    ) -> None:
        assert await refunding.result() == RefundOutcome(claimed.refund_id, "failed")


class TestAway:
    @pytest.fixture(autouse=True)
    def away(self, gateway: FakePayments) -> None:
        """Longer than a refund may fail unseen, and until a test brings it back."""
        gateway.fail("refunds", 10_000)

    @pytest.mark.history
    async def test_a_refund_waits_for_the_provider_where_staff_see_it(
        self, stuck: Progress, refunding: Refunding, claimed: RefundInput, shop: Shop, gateway: FakePayments
    ) -> None:
        assert (stuck.step, stuck.stuck_step, stuck.status) == ("refund_payment", "refund_payment", "pending")
        gateway.faults["refunds"].clear()
        await refunding.signal(RefundWorkflow.retry_stuck)
        assert await refunding.result() == RefundOutcome(claimed.refund_id, "succeeded")
        assert (await refunding.query(RefundWorkflow.progress)).stuck_step is None
        await shop.require_invariants()


class TestPending:
    @pytest.fixture(autouse=True)
    def slow(self, gateway: FakePayments) -> None:
        gateway.refund_status = RefundStatus.PENDING

    async def test_news_of_a_pending_refund_is_looked_at(
        self, stuck: Progress, refunding: Refunding, claimed: RefundInput, shop: Shop, gateway: FakePayments, ref: str
    ) -> None:
        assert stuck.stuck_step == "refund_payment"
        gateway.settle_refund(ref, RefundStatus.SUCCEEDED)
        await refunding.signal(RefundWorkflow.payment_news)
        assert await refunding.result() == RefundOutcome(claimed.refund_id, "succeeded")
        assert gateway.count("refund") == 1
        await shop.require_invariants()


class TestUnknown:
    @pytest.fixture(autouse=True)
    def not_told(self, gateway: FakePayments) -> None:
        gateway.faults["refund"].append(PaymentRefused("a wrong key of ours"))

    @pytest.mark.history
    async def test_a_refund_that_nobody_may_judge_waits_for_staff_and_keeps_its_claim(
        self, stuck: Progress, refunding: Refunding, claimed: RefundInput, shop: Shop
    ) -> None:
        assert (stuck.last_error, stuck.status) == ("a wrong key of ours", "pending")
        async with shop.database.transaction() as session:
            assert await refunds.left(session, await payments.locked(session, UUID(claimed.order_id))) == 3498
        await refunding.signal(RefundWorkflow.retry_stuck, "whatever was typed")
        assert await refunding.result() == RefundOutcome(claimed.refund_id, "succeeded")
        await shop.require_invariants()
