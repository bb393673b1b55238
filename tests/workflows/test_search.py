"""The index is kept in step by one workflow and built by another; what is killed in between leaves no difference."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import update
from sqlmodel import col
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.search import SearchActivities
from core.database import Database
from core.settings import Settings
from domain.messages.search import Filled, FillGeneration, SearchProjection, SearchRebuild
from domain.search import Sort, Wanted
from models.catalogue import Product
from services.catalogue import publishing
from services.search import index
from services.search.asking import SearchIndex
from tests.builders import Shop
from tests.histories import record
from tests.search import Index
from tests.workflows.test_checkout_undone import wait_until
from worker import running_workers
from workflows.search import SearchProjectionWorkflow, SearchRebuildWorkflow

Workers = Callable[..., AbstractAsyncContextManager[Worker]]
Handle = WorkflowHandle[Any, Any]

SOON = timedelta(milliseconds=400)


@pytest.fixture
def search_index(database: Database, redis: Redis) -> Index:
    return Index(database, redis)


@pytest.fixture
def queue() -> str:
    """Of this test alone: a projection of another one must not find its worker."""
    return f"search-{uuid4().hex}"


@pytest.fixture
def workers(temporal: Client, settings: Settings, database: Database, redis: Redis, queue: str) -> Workers:
    """`async with workers():` a worker for search. `changed` activities take the place of those of the same name."""

    def worker(*changed: Any, shift: timedelta = timedelta(minutes=1)) -> AbstractAsyncContextManager[Worker]:
        names = {method.__name__ for method in changed}
        own = settings.model_copy(update={"task_queue": queue, "worker_graceful_shutdown": timedelta(seconds=5)})
        search = SearchActivities(database, redis, shift)
        real = [
            search.project_changes, search.begin_generation, search.fill_generation,
            search.swap_generation, search.retire_generations,
        ]  # fmt: skip
        activities = [*changed, *(method for method in real if method.__name__ not in names)]
        return running_workers(temporal, own, activities)

    return worker


@pytest.fixture
async def started(temporal: Client, queue: str, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Handle]]:
    """Workflows by name, ended and recorded after the test."""
    handles: dict[str, Handle] = {}
    yield handles
    for handle in handles.values():
        if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
            record(request.node.name, await handle.fetch_history())
        if (await handle.describe()).close_time is None:
            await handle.terminate()
    child = temporal.get_workflow_handle("search-rebuild")
    async for run in temporal.list_workflows("WorkflowId = 'search-rebuild' AND ExecutionStatus = 'Running'"):
        await child.terminate(run.id)


@pytest.fixture
def project(temporal: Client, queue: str, started: dict[str, Handle]) -> Callable[[], Any]:
    async def start() -> Handle:
        started["projection"] = await temporal.start_workflow(
            SearchProjectionWorkflow.run, SearchProjection(), id=f"projection-{uuid4()}", task_queue=queue
        )
        return started["projection"]

    return start


@pytest.fixture
def rebuild(temporal: Client, queue: str, started: dict[str, Handle]) -> Callable[[], Any]:
    async def start() -> Handle:
        started["rebuild"] = await temporal.start_workflow(
            SearchRebuildWorkflow.run, SearchRebuild(), id=f"rebuild-{uuid4()}", task_queue=queue
        )
        return started["rebuild"]

    return start


async def rename(shop: Shop, product_id: UUID, name: str) -> None:
    async with shop.database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == product_id).values(name=name))
        await publishing.publish(session, [product_id])


async def until_in_step(search_index: Index) -> None:
    async def in_step() -> bool:
        return (await search_index.compared()).offenders == []

    await wait_until(in_step, 30)


@pytest.mark.history
async def test_the_first_projection_builds_the_index_and_goes_on_shift_by_shift(
    shop: Shop, search_index: Index, workers: Workers, project: Callable[[], Any]
) -> None:
    lamp = await shop.product("LAMP")
    async with workers(shift=SOON):
        handle = await project()
        await until_in_step(search_index)
        for number in range(3):
            await rename(shop, lamp, f"Lamp {number}")
            await until_in_step(search_index)
        history = await handle.fetch_history()
    scheduled = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    assert len(scheduled) > 1
    assert (await search_index.document(lamp))["title"] == "Lamp 2"


@pytest.mark.history
async def test_an_index_is_built_beside_the_live_one(
    shop: Shop, search_index: Index, workers: Workers, rebuild: Callable[[], Any], redis: Redis
) -> None:
    await shop.product("LAMP")
    async with workers():
        first = await (await rebuild()).result()
        await shop.product("VASE")
        second = await (await rebuild()).result()
    assert first != second == await index.live_generation(redis)
    await search_index.require_in_step()
    assert await search_index.redis.execute_command("FT._LIST") == [index.index_of(second)]


async def test_search_never_goes_empty_while_the_index_is_built(
    shop: Shop, search_index: Index, workers: Workers, rebuild: Callable[[], Any], redis: Redis
) -> None:
    for number in range(12):
        await shop.product(f"LAMP-{number}")
    await search_index.build()
    searches, totals, over = SearchIndex(redis), set(), asyncio.Event()

    async def keep_searching() -> None:
        while not over.is_set():
            found = await searches.find(Wanted(text="lamp"), Sort.RELEVANCE, None, 20, with_facets=True)
            totals.add((found.total, len(found.bodies)))

    searching = asyncio.create_task(keep_searching())
    async with workers():
        for _ in range(3):
            await (await rebuild()).result()
    over.set()
    await searching
    assert totals == {(12, 12)}
    await search_index.require_in_step()


async def test_a_lost_redis_is_noticed_and_filled_again(
    shop: Shop, search_index: Index, workers: Workers, project: Callable[[], Any], redis: Redis
) -> None:
    lamp = await shop.product("LAMP")
    async with workers():
        await project()
        await until_in_step(search_index)
        await redis.flushall()
        await rename(shop, lamp, "After the loss")
        await until_in_step(search_index)
        assert (await search_index.document(lamp))["title"] == "After the loss"
        await search_index.redis.execute_command(
            "FT.DROPINDEX", index.index_of(await index.live_generation(redis) or "")
        )
        await redis.delete(index.state_of(await index.live_generation(redis) or ""))
        await until_in_step(search_index)


async def test_a_redis_that_is_lost_while_the_index_is_built_is_filled_from_the_beginning(
    shop: Shop, search_index: Index, workers: Workers, rebuild: Callable[[], Any], redis: Redis, database: Database
) -> None:
    await shop.product("LAMP")
    real, losses = SearchActivities(database, redis), [1]

    @activity.defn(name="fill_generation")
    async def fill_generation(step: FillGeneration) -> Filled:
        filled = await real.fill_generation(step)
        if losses:
            losses.pop()
            await redis.flushall()
        return filled

    async with workers(fill_generation):
        await (await rebuild()).result()
    assert losses == []
    await search_index.require_in_step()


async def test_what_changed_while_no_worker_ran_is_caught_up_with(
    shop: Shop, search_index: Index, workers: Workers, project: Callable[[], Any]
) -> None:
    lamp = await shop.product("LAMP")
    async with workers():
        await project()
        await until_in_step(search_index)
    vase = await shop.product("VASE")
    await rename(shop, lamp, "While nobody worked")
    assert (await search_index.compared()).violations == 2
    async with workers():
        await until_in_step(search_index)
    assert (await search_index.document(lamp))["title"] == "While nobody worked"
    assert await search_index.document(vase)


async def test_a_projector_that_dies_between_reading_and_writing_loses_nothing(
    shop: Shop, search_index: Index, redis: Redis
) -> None:
    """The change is committed, its document is not written, and neither is the position."""
    lamp = await shop.product("LAMP")
    generation = await search_index.build()
    await rename(shop, lamp, "Committed")

    async def die() -> None:
        async with index.writing(redis, generation) as writing:
            writing.move_to(index.Position(str(2**40), 0, 0.0))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await die()
    assert (await search_index.compared()).offenders == [str(lamp)]
    await search_index.follow()
    await search_index.require_in_step()
