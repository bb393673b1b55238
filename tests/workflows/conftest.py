"""Checkouts on a server that skips time, sandboxed and without a cache: each workflow task is a full replay."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest
from redis.asyncio import Redis
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from core.database import Database
from core.settings import Settings
from core.temporal import SEARCH_ATTRIBUTES, add_search_attributes
from domain.messages.checkout import CheckoutInput, CheckoutResult
from domain.messages.returns import ReturnInput, ReturnResult
from domain.orders import checkout_workflow_id, return_workflow_id
from tests.fakes.payments import FakePayments
from tests.histories import record
from tests.workflows.desk import Desk
from worker import list_activities, running_workers
from workflows.checkout import CheckoutWorkflow
from workflows.returns import ReturnWorkflow

Checkout = WorkflowHandle[CheckoutWorkflow, CheckoutResult]


class StartCheckout(Protocol):
    async def __call__(self, order_id: UUID, *, signal: str | None = None, args: Sequence[Any] = ()) -> Checkout: ...


@pytest.fixture
async def skipping_client(time_skipping: WorkflowEnvironment) -> Client:
    await add_search_attributes(time_skipping.client, SEARCH_ATTRIBUTES)
    return time_skipping.client


class RunWorker(Protocol):
    def __call__(self, **changes: Any) -> AbstractAsyncContextManager[Worker]: ...


@pytest.fixture
def run_worker(
    skipping_client: Client, settings: Settings, database: Database, redis: Redis, gateway: FakePayments
) -> RunWorker:
    """`async with run_worker(card_hold=...)`: a worker with these settings changed."""

    @asynccontextmanager
    async def run(**changes: Any) -> AsyncIterator[Worker]:
        changed = settings.model_copy(update={"worker_graceful_shutdown": timedelta(0), **changes})
        activities = list_activities(changed, database, redis, gateway)
        async with running_workers(skipping_client, changed, activities) as worker:
            yield worker

    return run


@pytest.fixture
async def worker(run_worker: RunWorker) -> AsyncIterator[Worker]:
    async with run_worker() as worker:
        yield worker


@pytest.fixture
async def start(
    skipping_client: Client, settings: Settings, request: pytest.FixtureRequest
) -> AsyncIterator[StartCheckout]:
    started: list[Checkout] = []
    yield starting_on(skipping_client, settings, started)
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        for checkout in started:
            record(request.node.name, await checkout.fetch_history())


@pytest.fixture
async def desk(skipping_client: Client, settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    desk = Desk(skipping_client, settings.task_queue)
    yield desk
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        for order_id in desk.orders:
            record(f"{request.node.name}_fulfilment", await desk.fulfilment(order_id).fetch_history())


def starting_on(client: Client, settings: Settings, started: list[Checkout] | None = None) -> StartCheckout:
    async def start(order_id: UUID, *, signal: str | None = None, args: Sequence[Any] = ()) -> Checkout:
        checkout: Checkout = await client.start_workflow(
            CheckoutWorkflow.run,
            CheckoutInput(str(order_id)),
            id=checkout_workflow_id(order_id),
            task_queue=settings.task_queue,
            start_signal=signal,
            start_signal_args=args,
        )
        if started is not None:
            started.append(checkout)
        return checkout

    return start


Running = WorkflowHandle[ReturnWorkflow, ReturnResult]


class StartReturn(Protocol):
    async def __call__(self, return_id: UUID, order_id: UUID, *, signal: str | None = None) -> Running: ...


@pytest.fixture
async def start_return(
    skipping_client: Client, settings: Settings, request: pytest.FixtureRequest
) -> AsyncIterator[StartReturn]:
    started: list[Running] = []

    async def start(return_id: UUID, order_id: UUID, *, signal: str | None = None) -> Running:
        started.append(
            await skipping_client.start_workflow(
                ReturnWorkflow.run,
                ReturnInput(str(return_id), str(order_id)),
                id=return_workflow_id(return_id),
                task_queue=settings.task_queue,
                start_signal=signal,
            )
        )
        return started[-1]

    yield start
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        for handle in started:
            record(request.node.name, await handle.fetch_history())
