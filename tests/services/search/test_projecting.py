"""The index follows the catalogue, and nothing that happens to either leaves a difference behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import WatchError
from sqlalchemy import update
from sqlmodel import col

from domain.errors import OutOfStock
from models.catalogue import Product
from services import inventory
from services.audit import Actor
from services.catalogue import changing, publishing
from services.search import index, projecting
from services.search.documents import documents
from services.search.index import GenerationLost
from tests.builders import Shop
from tests.search import Index


async def rename(shop: Shop, product_id: UUID, name: str) -> None:
    async with shop.database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == product_id).values(name=name))
        await publishing.publish(session, [product_id])


async def test_what_is_new_changed_or_gone_is_so_in_the_index_after_one_look(shop: Shop, search_index: Index) -> None:
    lamp, vase, desk = [await shop.product(sku) for sku in ("LAMP", "VASE", "DESK")]
    await search_index.build()
    new = await shop.product("NEW")
    await rename(shop, lamp, "The brass lamp")
    async with shop.database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == vase).values(status="archived"))
        await publishing.publish(session, [vase])
    assert (await search_index.compared()).violations == 3
    await search_index.follow()
    await search_index.require_in_step()
    assert (await search_index.document(lamp))["title"] == "The brass lamp"
    assert await search_index.document(new)
    assert await search_index.document(vase) == {}
    assert await search_index.follow() == 0, "what was read is not read again"
    assert await search_index.document(desk)


async def test_a_product_that_is_deleted_is_gone_from_the_index(shop: Shop, search_index: Index) -> None:
    lamp = await shop.product("LAMP", stock=0)
    await search_index.build()
    async with shop.database.transaction() as session:
        await changing.remove(session, str(lamp), Actor(None))
    await search_index.follow()
    assert (await search_index.compared()).checked == 0
    await search_index.require_in_step()


async def test_the_last_unit_that_is_held_and_given_back_is_seen_by_the_index(shop: Shop, search_index: Index) -> None:
    lamp = await shop.product("LAMP", stock=1)
    await search_index.build()
    order_id = await shop.held({"LAMP": 1})
    await search_index.follow()
    assert '"in_stock":false' in (await search_index.document(lamp))["body"]
    await search_index.require_in_step()
    async with shop.database.transaction() as session:
        await inventory.release(session, order_id)
    await search_index.follow()
    assert '"in_stock":true' in (await search_index.document(lamp))["body"]
    with pytest.raises(OutOfStock):
        await shop.held({"LAMP": 2})
    assert await search_index.follow() == 0, "what was refused changed nothing"
    await search_index.require_in_step()


async def test_a_change_that_commits_late_is_not_passed_by(shop: Shop, search_index: Index) -> None:
    """Its row has a lower number than others that were read already: a sequence alone would never see it."""
    slow, quick = await shop.product("SLOW"), await shop.product("QUICK")
    await search_index.build()
    async with shop.database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == slow).values(name="Late"))
        await publishing.publish(session, [slow])
        await rename(shop, quick, "Early")
        assert await search_index.follow() == 0, "waits for the one before it"
    assert await search_index.follow() == 2
    assert (await search_index.document(slow))["title"] == "Late"
    await search_index.require_in_step()


async def test_many_changes_at_once_all_arrive(shop: Shop, search_index: Index) -> None:
    products = [await shop.product(f"P{n}") for n in range(8)]
    await search_index.build()
    done = asyncio.Event()

    async def keep_following() -> int:
        followed = 0
        while not done.is_set():
            followed += await search_index.follow()
        return followed

    following = asyncio.create_task(keep_following())
    for round_ in range(5):
        await asyncio.gather(*(rename(shop, product, f"Name {round_} {product}") for product in products))
    done.set()
    await following
    await search_index.follow()
    await search_index.require_in_step()


async def test_a_redis_that_lost_what_was_written_last_reads_it_again(
    shop: Shop, search_index: Index, redis: Redis
) -> None:
    """The position is lost with the documents that it covers: they were written in one transaction."""
    lamp = await shop.product("LAMP")
    generation = await search_index.build()
    kept = {key: await redis.hgetall(key) for key in (index.state_of(generation), index.key_of(generation, lamp))}
    await rename(shop, lamp, "Lost")
    await search_index.follow()
    for key, fields in kept.items():
        await redis.delete(key)
        await search_index.redis.hset(key, mapping=fields)
    assert await search_index.follow() == 1
    assert (await search_index.document(lamp))["title"] == "Lost"
    await search_index.require_in_step()


async def test_a_writer_who_was_overtaken_writes_nothing(shop: Shop, search_index: Index, redis: Redis) -> None:
    lamp = await shop.product("LAMP")
    generation = await search_index.build()
    await rename(shop, lamp, "Old")
    async with shop.database.reading() as session:
        [old] = await documents(session, [lamp])

    async def write_old_after(another_writes: Callable[[], Awaitable[object]]) -> None:
        async with index.writing(redis, generation) as writing:
            await another_writes()
            writing.put([old])

    async def project_new() -> None:
        await rename(shop, lamp, "New")
        await search_index.follow()

    async def fill() -> None:
        async with shop.database.reading() as session:
            await projecting.fill(session, redis, generation, None)

    for another_writes in (project_new, fill):
        with pytest.raises(WatchError):
            await write_old_after(another_writes)
    assert (await search_index.document(lamp))["title"] == "New"
    await search_index.require_in_step()


async def test_a_generation_that_is_gone_or_of_other_code_is_lost(
    shop: Shop, search_index: Index, redis: Redis
) -> None:
    generation = await search_index.build()
    with pytest.raises(GenerationLost):
        await search_index.follow("v0-another")
    await redis.flushall()
    for work in (search_index.follow(generation), search_index.fill(generation)):
        with pytest.raises(GenerationLost):
            await work


@pytest.mark.parametrize(
    ("state", "trusted"),
    [
        ({}, True),
        ({"at": "0"}, False),  # said in 1970: the rows after it are deleted
        ({"xid": str(2**40)}, False),  # of a database that was put back, or is another one
    ],
)
async def test_a_position_is_trusted_while_every_row_after_it_is_kept(
    state: dict[str, Any], trusted: bool, search_index: Index, redis: Redis
) -> None:
    generation = await search_index.build()
    if state:
        await search_index.redis.hset(index.state_of(generation), mapping=state)
    async with search_index.database.reading() as session:
        assert await projecting.is_trusted(session, redis, generation) is trusted


async def test_old_rows_are_forgotten_and_young_ones_kept(shop: Shop, search_index: Index) -> None:
    await shop.product("LAMP")
    await shop.rows("UPDATE search_changes SET at = now() - interval '8 days'")
    await shop.product("VASE")
    async with shop.database.transaction() as session:
        await projecting.forget(session)
    assert len(await shop.rows("SELECT id FROM search_changes")) == 1
    await search_index.build()
    await search_index.require_in_step()


async def test_a_change_while_the_index_is_filled_is_in_it_when_it_goes_live(shop: Shop, search_index: Index) -> None:
    lamp, vase = await shop.product("LAMP"), await shop.product("VASE")
    generation = await search_index.begin()
    await search_index.fill(generation)
    await rename(shop, lamp, "While it was filled")
    async with shop.database.transaction() as session:
        await session.execute(update(Product).where(col(Product.id) == vase).values(status="draft"))
        await publishing.publish(session, [vase])
    await search_index.follow(generation)
    await index.go_live(search_index.redis, generation)
    await search_index.require_in_step()
    assert (await search_index.document(lamp))["title"] == "While it was filled"


async def test_only_the_live_generation_is_kept(search_index: Index, shop: Shop, redis: Redis) -> None:
    await shop.product("LAMP")
    await redis.set("cart:somebody", "else's")
    first = await search_index.build()
    await search_index.begin()
    live = await search_index.build()
    await index.retire_others(redis)
    keys = {key async for key in redis.scan_iter()}
    assert {key for key in keys if first in key} == set()
    assert {key for key in keys if key.startswith("search:")} == {index.LIVE, index.state_of(live)}
    assert len([key for key in keys if key.startswith("product:")]) == 1
    assert "cart:somebody" in keys
    assert await search_index.redis.execute_command("FT._LIST") == [index.index_of(live)]
    await search_index.require_in_step()


async def test_r1_finds_a_document_that_is_missing_too_many_changed_or_not_taken_in(
    shop: Shop, search_index: Index, redis: Redis
) -> None:
    lamp, vase = await shop.product("LAMP"), await shop.product("VASE")
    assert (await search_index.compared()).offenders == ["index"], "there is none"
    generation = await search_index.build()
    await search_index.require_in_step()
    key, stranger = index.key_of(generation, lamp), "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"
    fields = await redis.hgetall(key)
    for spoil in ("body", "fingerprint", "facets", "price"):
        await redis.hset(key, spoil, "1")
        assert (await search_index.compared()).offenders == [str(lamp)], spoil
        await search_index.redis.hset(key, mapping=fields)
    await search_index.require_in_step()
    await search_index.redis.hset(index.key_of(generation, stranger), mapping=fields)
    assert (await search_index.compared()).offenders == [stranger]
    await redis.delete(index.key_of(generation, stranger), index.key_of(generation, vase))
    assert (await search_index.compared()).offenders == [str(vase)]
    await redis.flushall()
    assert (await search_index.compared()).offenders == ["index"]
