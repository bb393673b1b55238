"""The audit log: who did what to whom, from where; for admins, page by page."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import BASE, Caller, SignIn
from tests.api.shopping import COD, add, keyed, ordered, refused
from tests.builders import Shop


@pytest.fixture
async def boss(sign_in: SignIn) -> Caller:
    return await sign_in("admin")


async def log(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    answer = await caller.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_an_act_says_who_did_what_to_whom_from_where_and_in_which_request(
    boss: Caller, staff: Caller, customer: Caller
) -> None:
    headers = {"X-Request-ID": "call-of-march-14"}
    await staff.post(f"/customers/{customer.user_id}/deactivate", headers=headers)
    [entry] = await log(boss)
    assert entry.pop("at").endswith("Z")
    assert entry.pop("id")
    assert entry == {
        "actor_id": str(staff.user_id), "action": "customer.deactivate", "subject": "customer",
        "subject_id": str(customer.user_id), "address": "127.0.0.1", "request_id": "call-of-march-14", "details": {},
    }  # fmt: skip


async def test_the_log_is_narrowed_by_actor_act_and_subject(
    boss: Caller, staff: Caller, customer: Caller, stranger: Caller
) -> None:
    for caller, target, verb in (
        (staff, customer, "deactivate"), (boss, customer, "activate"), (boss, stranger, "deactivate"),
    ):  # fmt: skip
        await caller.post(f"/customers/{target.user_id}/{verb}")
    assert [entry["action"] for entry in await log(boss, actor_id=str(boss.user_id))] == [
        "customer.deactivate",
        "customer.activate",
    ]
    assert [entry["actor_id"] for entry in await log(boss, subject_id=str(customer.user_id))] == [
        str(boss.user_id),
        str(staff.user_id),
    ]
    assert len(await log(boss, action="customer.deactivate")) == 2
    assert len(await log(boss, action="customer.deactivate", actor_id=str(boss.user_id))) == 1
    assert len(await log(boss, subject="customer")) == 3
    assert await log(boss, subject="order") == []


async def test_walking_the_cursors_shows_each_act_once_the_newest_first(boss: Caller, customer: Caller) -> None:
    for number in range(5):
        await boss.post(f"/customers/{customer.user_id}/{'activate' if number % 2 else 'deactivate'}")
    whole, seen = await log(boss), []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await boss.get("/audit", params=query)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == whole
    assert len(seen) == 5


async def test_a_refused_act_is_not_in_the_log(boss: Caller, staff: Caller) -> None:
    refused(await staff.post(f"/customers/{boss.user_id}/deactivate"), 403, "forbidden")
    assert await log(boss) == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("verb", ["confirm", "reject"])
async def test_a_decision_about_a_cod_order_is_in_the_log_once_with_its_why(
    boss: Caller, staff: Caller, customer: Caller, shop: Shop, verb: str
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer, COD)
    headers = keyed()
    for _ in range(2):
        answer = await staff.post(f"/orders/{order['id']}/{verb}", json={"note": "Ada was at home"}, headers=headers)
        assert answer.status_code == 200
    refused(await staff.post(f"/orders/{order['id']}/{verb}"), 409, "not-allowed-in-state")
    [entry] = await log(boss, subject="order")
    assert (entry["action"], entry["subject_id"]) == (f"order.{verb}", order["id"])
    assert (entry["actor_id"], entry["details"]) == (str(staff.user_id), {"note": "Ada was at home"})


@pytest.mark.parametrize(
    "query", [{"actor_id": "me"}, {"action": "x" * 65}, {"subject": "a\0b"}, {"cursor": "x"}], ids=str
)
async def test_a_query_that_is_none_is_refused(boss: Caller, query: dict[str, str]) -> None:
    assert (await boss.get("/audit", params=query)).status_code == 422


async def test_an_act_is_recorded_whatever_a_proxy_says_of_its_sender(
    app: FastAPI, boss: Caller, staff: Caller, customer: Caller
) -> None:
    behind = httpx.ASGITransport(app, client=("x" * 300, 4711))
    async with httpx.AsyncClient(transport=behind, base_url=BASE, headers=staff.headers) as caller:
        assert (await caller.post(f"/customers/{customer.user_id}/deactivate")).status_code == 200
    [entry] = await log(boss)
    assert entry["address"] == "x" * 64
