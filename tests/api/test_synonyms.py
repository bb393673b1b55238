"""Synonyms are kept by staff and widen every search, and staff can have the index built anew."""

from typing import Any

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from core.database import Database
from domain.messages.search import REBUILD_ID
from tests.api.conftest import Caller
from tests.api.shopping import keyed, refused, until
from tests.builders import Shop
from tests.search import Index

SOFA = {"words": ["Sofa", "couch", "love seat"]}


@pytest.fixture
def index(database: Database, redis: Redis) -> Index:
    return Index(database, redis)


async def names(caller: Caller, q: str) -> list[str]:
    return [product["name"] for product in (await caller.get("/products", params={"q": q})).json()["items"]]


async def create(staff: Caller, body: dict[str, Any] = SOFA, **more: Any) -> dict[str, Any]:
    answer = await staff.post("/search/synonyms", json=body, **more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(f"/search/synonyms/{made['id']}")
    return made


async def test_a_synonym_is_found_with_the_index_and_without(
    staff: Caller, anonymous: Caller, shop: Shop, index: Index
) -> None:
    for sku in ("COUCH", "LOVE-SEAT", "SEAT"):
        await shop.product(sku)
    for indexed in (False, True):
        if indexed:
            await index.build()
        assert await names(anonymous, "sofa") == []
        group = await create(staff)
        if indexed:
            assert await index.follow() == 1
        assert await names(anonymous, "SOFA") == ["The LOVE-SEAT", "The COUCH"]
        assert await names(anonymous, "love seat") == ["The LOVE-SEAT", "The COUCH"]
        assert await names(anonymous, "seat") == ["The SEAT", "The LOVE-SEAT"]
        changed = await staff.put(f"/search/synonyms/{group['id']}", json={"words": ["sofa", "seat"]})
        assert (changed.status_code, changed.json()["words"]) == (200, ["sofa", "seat"])
        if indexed:
            await index.follow()
        assert await names(anonymous, "sofa") == ["The SEAT", "The LOVE-SEAT"]
        assert (await staff.delete(f"/search/synonyms/{group['id']}")).status_code == 204
        if indexed:
            await index.follow()
        assert await names(anonymous, "sofa") == []
    await index.require_in_step()


async def test_a_new_index_knows_the_synonyms(staff: Caller, anonymous: Caller, shop: Shop, index: Index) -> None:
    await shop.product("COUCH")
    await create(staff)
    await index.build()
    assert await names(anonymous, "sofa") == ["The COUCH"]


async def test_groups_are_listed_read_and_gone(staff: Caller) -> None:
    made = [await create(staff, {"words": ["a", f"b{number}"]}) for number in range(3)]
    first = (await staff.get("/search/synonyms", params={"limit": 2})).json()
    rest = (await staff.get("/search/synonyms", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == list(reversed(made))
    assert rest["next_cursor"] is None
    path = f"/search/synonyms/{made[0]['id']}"
    one = await staff.get(path)
    assert (one.json(), bool(one.headers["ETag"])) == (made[0], True)
    assert (await staff.delete(path)).status_code == 204
    for answer in (await staff.get(path), await staff.delete(path), await staff.put(path, json=SOFA)):
        refused(answer, 404, "not-found")


async def test_the_same_click_makes_one_group(staff: Caller) -> None:
    headers = keyed()
    first, again = await create(staff, headers=headers), await create(staff, headers=headers)
    assert first == again
    assert len((await staff.get("/search/synonyms")).json()["items"]) == 1
    refused(
        await staff.post("/search/synonyms", json={"words": ["x", "y"]}, headers=headers), 422, "idempotency-key-reused"
    )


async def test_acts_are_in_the_audit_log(staff: Caller, shop: Shop) -> None:
    group = await create(staff)
    await staff.put(f"/search/synonyms/{group['id']}", json=SOFA)
    await staff.delete(f"/search/synonyms/{group['id']}")
    acts = await shop.rows("SELECT action, actor_id FROM audit_entries WHERE subject = 'synonyms' ORDER BY id")
    assert acts == [(f"synonyms.{verb}", staff.user_id) for verb in ("create", "change", "delete")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"words": []},
        {"words": ["sofa"]},
        {"words": ["sofa", "SOFA!"]},
        {"words": ["sofa", "***"]},
        {"words": ["sofa", ""]},
        {"words": ["sofa", "x" * 65]},
        {"words": ["sofa", "a\x00b"]},
        {"words": [f"w{number}" for number in range(21)]},
        {"words": "sofa, couch"},
        {"words": ["sofa", 1]},
        {"words": ["sofa", "couch"], "id": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"},
    ],
)
async def test_a_group_that_makes_no_sense_is_refused(staff: Caller, body: dict[str, Any]) -> None:
    refused(await staff.post("/search/synonyms", json=body), 422, "validation-failed")
    assert (await staff.get("/search/synonyms")).json()["items"] == []


@pytest.mark.usefixtures("worker")
async def test_staff_have_the_index_built_anew(
    staff: Caller, anonymous: Caller, shop: Shop, index: Index, temporal: Client
) -> None:
    await shop.product("LAMP")
    answer = await staff.post("/search/rebuild", headers=keyed())
    assert (answer.status_code, answer.json()) == (202, {"workflow_id": REBUILD_ID})
    await temporal.get_workflow_handle(REBUILD_ID).result()

    async def in_step() -> bool:
        return (await index.compared()).offenders == []

    await until(in_step)
    assert await names(anonymous, "lamp") == ["The LAMP"]
    assert await shop.rows("SELECT action FROM audit_entries") == [("search.rebuild",)]
