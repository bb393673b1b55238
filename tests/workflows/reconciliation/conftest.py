"""Reconciliations on a server that skips time, of orders that the provider has something else on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from core.database import Database
from core.settings import Settings
from domain.messages.reconciliation import (
    Place,
    ReconciliationInput,
    ReconciliationResult,
    reconciliation_workflow_id,
)
from domain.money import Money
from domain.orders import PaymentStatus
from gateways.payments import Intent, IntentStatus
from models.payments import ReconciliationDifference
from services import payments
from services.reconciling import keeping
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.histories import record
from tests.workflows.conftest import RunWorker
from workflows.reconciliation import ReconciliationWorkflow

PRICE = Money(1999, "USD")
NOTHING = Money(0, "USD")
AT_ONCE = timedelta(0)
LONG_AGO = datetime.now(UTC) - timedelta(hours=2)

Report = dict[str, bool]
"""Whether it was mended, by the kind of the difference."""


@dataclass
class Books:
    """Orders, and what the provider has on them."""

    shop: Shop
    gateway: FakePayments
    database: Database

    async def paid(self) -> tuple[UUID, str]:
        """An order that both agree on: captured."""
        order_id = await self.shop.paid({"LAMP": 1})
        return order_id, self.gateway.pay(order_id, PRICE)

    async def set_aside(self, order_id: UUID, status: PaymentStatus = PaymentStatus.AUTHORIZED) -> str:
        """Money that the provider has put aside for this order, and what we think of it."""
        ref = self.at_provider(order_id, IntentStatus.AUTHORIZED)
        async with self.database.transaction() as session:
            payment = await payments.open_payment(session, order_id, "stripe")
            payment.provider_ref, payment.status = ref, status
        return ref

    def at_provider(self, order_id: UUID | None, status: IntentStatus, ref: str | None = None) -> str:
        ref = ref or f"pi_{(order_id or uuid4()).hex}"
        captured = PRICE if status is IntentStatus.CAPTURED else NOTHING
        self.gateway.intents[ref] = Intent(ref, status, PRICE, captured, NOTHING, order_id, created=datetime.now(UTC))
        return ref

    def change(self, ref: str, **changes: Any) -> None:
        self.gateway.intents[ref] = replace(self.gateway.intents[ref], **changes)


@pytest.fixture
async def books(shop: Shop, gateway: FakePayments, database: Database) -> Books:
    await shop.product("LAMP", stock=50)
    return Books(shop, gateway, database)


Handle = WorkflowHandle[ReconciliationWorkflow, ReconciliationResult]
Start = Callable[..., Awaitable[Handle]]
Reconcile = Callable[..., Awaitable[Report]]


@pytest.fixture
async def begin(skipping_client: Client, settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Start]:
    started: list[Handle] = []

    async def begin(intent_ref: str | None = None, place: Place | None = None) -> Handle:
        reconciliation_id = place.reconciliation_id if place else str(uuid4())
        handle: Handle = await skipping_client.start_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(reconciliation_id, intent_ref, place),
            id=reconciliation_workflow_id(reconciliation_id),
            task_queue=settings.task_queue,
        )
        started.append(handle)
        return handle

    yield begin
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        record(request.node.name, await started[0].fetch_history())


async def found(database: Database, result: ReconciliationResult) -> list[ReconciliationDifference]:
    async with database.transaction() as session:
        reconciliation = await keeping.get(session, UUID(result.reconciliation_id))
        rows = await keeping.differences(session, reconciliation.id, 100, None)
    assert reconciliation.finished_at is not None
    assert (result.different, result.mended) == (len(rows), sum(row.mended for row in rows))
    return rows


@pytest.fixture
def reconcile(begin: Start, database: Database) -> Reconcile:
    """Compare now, and tell what differed."""

    async def reconcile(intent_ref: str | None = None) -> Report:
        result = await (await begin(intent_ref)).result()
        return {row.kind: row.mended for row in await found(database, result)}

    return reconcile


@pytest.fixture
async def worker(run_worker: RunWorker) -> AsyncIterator[Worker]:
    """For it nothing is in motion."""
    async with run_worker(reconciliation_settling=AT_ONCE) as worker:
        yield worker
