"""The worker process: builds its resources, lists workflows and activities, runs until asked to stop."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import Redis
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.carts import CartActivities
from activities.dispatching import DispatchActivities
from activities.facts import FactsInterceptor
from activities.fulfilment import FulfilmentActivities
from activities.heartbeats import BEAT_EVERY, HeartbeatInterceptor
from activities.inventory import InventoryActivities
from activities.mail import MailActivities
from activities.orders import OrderActivities
from activities.payments import PaymentActivities
from activities.reconciliation import ReconciliationActivities
from activities.refunds import RefundActivities
from activities.returns import ReturnActivities
from activities.search import SearchActivities
from core.database import Database
from core.exit import finish
from core.logging import configure_logging
from core.redis import connect_redis
from core.settings import Settings, get_settings
from core.temporal import connect_temporal
from domain.messages.mail import DISPATCH_ID, MailDispatch
from domain.messages.reconciliation import SCHEDULE_ID, ReconciliationInput
from domain.messages.search import PROJECTION_ID, SearchProjection
from domain.queues import PROVIDERS, queue_of
from gateways.payments import PaymentGateway
from gateways.smtp_mail import SmtpMail
from gateways.stripe_payments import StripePayments
from services.carts import CartStore
from workflows.checkout import CheckoutWorkflow
from workflows.fulfilment import FulfilmentWorkflow
from workflows.mail import MailDispatchWorkflow, MailWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.refund import RefundWorkflow
from workflows.returns import ReturnWorkflow
from workflows.search import SearchProjectionWorkflow, SearchRebuildWorkflow

log = structlog.get_logger()

WORKFLOWS = [
    CheckoutWorkflow,
    FulfilmentWorkflow,
    MailDispatchWorkflow,
    MailWorkflow,
    ReconciliationWorkflow,
    RefundWorkflow,
    ReturnWorkflow,
    SearchProjectionWorkflow,
    SearchRebuildWorkflow,
]

SANDBOX = SandboxRestrictions.default.with_import_notification_policy(
    SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
)
"""A module that a workflow imports and forgets to pass through would cost half a second per workflow: refuse it."""


def list_activities(settings: Settings, database: Database, redis: Redis, gateway: PaymentGateway) -> list[Any]:
    carts = CartStore.from_settings(redis, settings)
    orders = OrderActivities(database, settings)
    fulfilment = FulfilmentActivities(database, settings)
    inventory = InventoryActivities(database)
    payments = PaymentActivities(database, gateway, settings.payment_return_url)
    reconciliation = ReconciliationActivities(database, gateway, settings)
    returns = ReturnActivities(database, settings)
    search = SearchActivities(database, redis)
    return [
        orders.place_order, orders.cancel_order, orders.confirm_order,
        orders.fail_payment, orders.reopen_payment, orders.remind_staff, orders.extend_hold, orders.tell_stuck,
        inventory.reserve_stock, inventory.release_stock,
        payments.authorise_payment, payments.void_payment, payments.check_payment, payments.capture_payment,
        RefundActivities(database, gateway).refund_payment,
        reconciliation.begin_reconciliation, reconciliation.compare_page,
        reconciliation.settle_difference, reconciliation.finish_reconciliation,
        returns.open_return, returns.approve_return, returns.reject_return, returns.receive_return,
        returns.expire_return, returns.remind_of_return, returns.claim_return_refund, returns.close_return,
        fulfilment.open_fulfilment, fulfilment.process_order, fulfilment.check_shipment, fulfilment.ship_order,
        fulfilment.deliver_order, fulfilment.claim_rest, fulfilment.give_back_unshipped, fulfilment.expect_return,
        CartActivities(database, carts).take_cart_lines,
        DispatchActivities(database, settings).dispatch_mails,
        MailActivities(database, SmtpMail.from_settings(settings), settings).send_mail,
        search.project_changes, search.begin_generation, search.fill_generation,
        search.swap_generation, search.retire_generations,
    ]  # fmt: skip


def build_workers(client: Client, settings: Settings, activities: list[Any]) -> list[Worker]:
    """The shop's, and one for each provider's queue, whose rate Temporal keeps over all processes.

    Sandboxed where the settings say so. A worker that dies frees its orders after a second, not ten.
    """
    runner: WorkflowRunner = (
        SandboxedWorkflowRunner(SANDBOX) if settings.worker_sandbox else UnsandboxedWorkflowRunner()
    )
    shop = Worker(
        client,
        task_queue=queue_of(settings.task_queue),
        workflows=WORKFLOWS,
        activities=activities,
        interceptors=[FactsInterceptor(), HeartbeatInterceptor()],
        max_heartbeat_throttle_interval=BEAT_EVERY,
        workflow_runner=runner,
        max_cached_workflows=settings.worker_max_cached_workflows,
        sticky_queue_schedule_to_start_timeout=settings.worker_sticky_timeout,
        graceful_shutdown_timeout=settings.worker_graceful_shutdown,
    )
    at_providers = [
        Worker(
            client,
            task_queue=queue_of(settings.task_queue, provider),
            activities=activities,
            interceptors=[FactsInterceptor(), HeartbeatInterceptor()],
            max_heartbeat_throttle_interval=BEAT_EVERY,
            max_task_queue_activities_per_second=settings.provider_calls_per_second,
            graceful_shutdown_timeout=settings.worker_graceful_shutdown,
        )
        for provider in PROVIDERS
    ]
    return [shop, *at_providers]


@asynccontextmanager
async def running_workers(client: Client, settings: Settings, activities: list[Any]) -> AsyncIterator[Worker]:
    """All of them, until the block ends. Gives the shop's."""
    workers = build_workers(client, settings, activities)
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        yield workers[0]


async def keep_search_in_step(client: Client, settings: Settings) -> None:
    """There is one projector, whichever worker comes first."""
    await client.start_workflow(
        SearchProjectionWorkflow.run,
        SearchProjection(),
        id=PROJECTION_ID,
        task_queue=settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Keep the search index in step with the catalogue",
    )


async def keep_mails_going(client: Client, settings: Settings) -> None:
    """There is one dispatcher, whichever worker comes first."""
    await client.start_workflow(
        MailDispatchWorkflow.run,
        MailDispatch(),
        id=DISPATCH_ID,
        task_queue=settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Give mails to their workflows",
    )


async def keep_reconciling(client: Client, settings: Settings) -> None:
    """There is one schedule, as the worker that started last has it in its settings. A pause by staff outlives that."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(),
            id=SCHEDULE_ID,
            task_queue=settings.task_queue,
            static_summary="Compare the provider's journal with our books",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(settings.reconciliation_interval)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=settings.reconciliation_interval),
    )

    async def as_configured(there: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(schedule, state=there.description.schedule.state))

    try:
        await client.create_schedule(SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SCHEDULE_ID).update(as_configured)


def say_ready() -> None:
    """Touch the file that the supervisor waits for, where it named one."""
    if path := os.environ.get("TILLWRIGHT_READY_FILE"):
        Path(path).touch()


async def main() -> None:
    settings = get_settings()
    configure_logging(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = Database.from_settings(settings, "tillwright-worker")
    redis = connect_redis(settings)
    gateway = StripePayments.from_settings(settings)
    client = await connect_temporal(settings)
    try:
        async with running_workers(client, settings, list_activities(settings, database, redis, gateway)):
            await keep_search_in_step(client, settings)
            await keep_mails_going(client, settings)
            await keep_reconciling(client, settings)
            say_ready()
            log.info("worker.ready", task_queue=settings.task_queue, sandbox=settings.worker_sandbox)
            await stop.wait()
            log.info("worker.stopping")
    finally:
        await gateway.close()
        await redis.aclose()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
    finish(0)
