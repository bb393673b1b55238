"""A reconciliation reads page after page, and goes on where it was when something failed."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from temporalio import activity
from temporalio.client import Client

from activities.reconciliation import ReconciliationActivities
from core.database import Database
from core.settings import Settings
from domain.messages.reconciliation import (
    Compared,
    ComparePage,
    Place,
    ReconciliationInput,
    reconciliation_workflow_id,
)
from domain.money import Money
from domain.orders import PaymentStatus
from gateways.payments import IntentStatus, ProviderUnavailable
from tests.workflows.conftest import RunWorker
from tests.workflows.reconciliation.conftest import (
    AT_ONCE,
    NOTHING,
    Books,
    Handle,
    Reconcile,
    Start,
    found,
)
from tests.workflows.test_checkout_undone import wait_until
from worker import list_activities, running_workers
from workflows.reconciliation import ReconciliationWorkflow


@pytest.mark.history
async def test_what_is_in_motion_is_looked_at_again_before_it_is_reported(
    books: Books, begin: Start, database: Database, run_worker: RunWorker
) -> None:
    _, ref = await books.paid()
    agreed = books.gateway.intents[ref]
    books.change(ref, status=IntentStatus.AUTHORIZED, captured=NOTHING)  # as if our capture were still on its way
    books.gateway.page_size = 1
    async with run_worker(reconciliation_settling=timedelta(minutes=2)):
        handle = await begin()
        await wait_until(lambda: asked_for_the_last_page(handle))
        books.gateway.intents[ref] = agreed
        result = await handle.result()
    assert (result.compared, result.different) == (1, 0)
    assert await found(database, result) == []


async def asked_for_the_last_page(handle: Handle) -> bool:
    events = (await handle.fetch_history()).events
    return sum(event.HasField("activity_task_completed_event_attributes") for event in events) >= 2


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_every_page_of_the_journal_is_read_and_our_payments_between_two_pages_are_found_there(
    books: Books, begin: Start, database: Database
) -> None:
    orders = [await books.paid() for _ in range(5)]
    missing = await books.shop.paid({"LAMP": 1})
    orders += [await books.paid() for _ in range(2)]
    for order_id, _ in (orders[0], orders[6]):
        books.gateway.give_back(f"pi_{order_id.hex}", Money(1, "USD"))
    books.gateway.page_size = 2
    result = await (await begin()).result()
    assert (result.compared, result.different, result.mended) == (8, 3, 2)
    assert {(row.provider_ref, row.kind) for row in await found(database, result)} == {
        (orders[0][1], "refunded-there-not-here"),
        (orders[6][1], "refunded-there-not-here"),
        (f"pi_{missing.hex}", "missing-there"),
    }


@pytest.mark.usefixtures("worker")
async def test_a_long_journal_goes_on_in_a_new_run_where_the_one_before_ended(
    books: Books, begin: Start, database: Database
) -> None:
    _, read = await books.paid()
    _, moved = await books.paid()
    books.gateway.give_back(moved, Money(1, "USD"))
    _, newest = await books.paid()
    until = books.gateway.intents[moved].created
    assert until is not None
    place = Place(str(uuid4()), after=moved, until=until.isoformat(), compared=70, moving=[moved])
    result = await (await begin(place=place)).result()
    assert (result.reconciliation_id, result.compared) == (place.reconciliation_id, 71)
    assert [row.provider_ref for row in await found(database, result)] == [moved]
    journal = [ref for operation, ref in books.gateway.calls if operation in ("journal", "retrieve")]
    assert newest not in journal, "what came before is not read again"
    assert read in journal


@pytest.mark.usefixtures("worker")
async def test_what_is_older_than_the_window_is_not_looked_at(books: Books, reconcile: Reconcile) -> None:
    _, ref = await books.paid()
    books.gateway.give_back(ref, Money(1, "USD"))
    books.change(ref, created=datetime.now(UTC) - timedelta(days=4))
    await books.shop.rows("UPDATE payments SET created_at = now() - interval '4 days'")
    assert await reconcile() == {}
    assert await reconcile(ref) == {"refunded-there-not-here": True}, "unless somebody asks for it"


@pytest.mark.history
@pytest.mark.usefixtures("worker")
async def test_a_provider_that_is_away_is_asked_again_until_it_is_back(
    books: Books, begin: Start, database: Database
) -> None:
    _, ref = await books.paid()
    books.gateway.give_back(ref, Money(1, "USD"))
    for operation in ("journal", "retrieve", "refunds"):
        books.gateway.fail(operation, 2)
    result = await (await begin()).result()
    assert [(row.kind, row.mended) for row in await found(database, result)] == [("refunded-there-not-here", True)]
    assert await books.shop.rows("SELECT count(*) FROM refunds") == [(1,)]
    await books.shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_what_was_mended_before_the_reply_was_lost_counts_as_mended(books: Books, reconcile: Reconcile) -> None:
    order_id = await books.shop.cancelled({"LAMP": 1})
    ref = await books.set_aside(order_id, PaymentStatus.VOIDED)
    books.gateway.late_faults["void"] = [ProviderUnavailable("no answer")]
    assert await reconcile() == {"authorised-for-a-cancelled-order": True}
    assert (books.gateway.intents[ref].status, books.gateway.count("void")) == (IntentStatus.VOIDED, 1)
    await books.shop.require_invariants()


async def test_a_worker_that_dies_in_a_page_leaves_it_to_another_which_goes_on_there(
    books: Books, database: Database, temporal: Client, settings: Settings, redis: Redis
) -> None:
    """On the real server: the one that skips time has no patience with a worker that leaves."""
    refs = [(await books.paid())[1] for _ in range(3)]
    books.gateway.page_size = 1
    own = settings.model_copy(
        update={
            "task_queue": f"reconciliation-{uuid4().hex}",
            "worker_graceful_shutdown": AT_ONCE,
            "reconciliation_settling": AT_ONCE,
        }
    )
    activities = list_activities(own, database, redis, books.gateway)
    reached = asyncio.Event()

    @activity.defn(name="compare_page")
    async def die_at_the_second(step: ComparePage) -> Compared:
        if step.after is None:
            return await ReconciliationActivities(database, books.gateway, own).compare_page(step)
        reached.set()
        return await asyncio.Future()

    dying = [die_at_the_second, *(one for one in activities if one.__name__ != "compare_page")]
    async with running_workers(temporal, own, dying):
        reconciliation_id = str(uuid4())
        handle: Handle = await temporal.start_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(reconciliation_id),
            id=reconciliation_workflow_id(reconciliation_id),
            task_queue=own.task_queue,
        )
        await reached.wait()
    async with running_workers(temporal, own, activities):
        result = await handle.result()
    assert (result.compared, result.different) == (3, 0)
    assert [ref for operation, ref in books.gateway.calls if operation == "journal"] == refs[::-1], "each page once"
