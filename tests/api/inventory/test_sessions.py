"""Receiving and counting, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Caller
from tests.api.inventory.test_stock import walk
from tests.api.shopping import keyed, refused
from tests.builders import Shop


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    await shop.product("SHADE", stock=0)


async def opened(staff: Caller, **body: Any) -> str:
    """The session's path."""
    answer = await staff.post("/inventory/sessions", json={"kind": "count"} | body)
    assert answer.status_code == 201, answer.text
    session_id: str = answer.json()["id"]
    assert answer.headers["Location"] == f"/api/v1/inventory/sessions/{session_id}"
    return f"/inventory/sessions/{session_id}"


async def put(staff: Caller, path: str, **lines: int) -> None:
    for sku, quantity in lines.items():
        answer = await staff.put(f"{path}/lines/{sku}", json={"quantity": quantity})
        assert answer.status_code == 200, answer.text


async def test_a_count_shows_its_differences_and_books_them(staff: Caller, shop: Shop) -> None:
    path = await opened(staff, reference="aisle 7")
    await put(staff, path, SHADE=2, LAMP=7)
    shown = await staff.get(path)
    assert [(line["sku"], line["expected_on_hand"], line["difference"]) for line in shown.json()["lines"]] == [
        ("LAMP", 10, -3),
        ("SHADE", 0, 2),
    ]
    assert shown.headers["ETag"]
    applied = await staff.post(f"{path}/apply")
    assert (applied.status_code, applied.json()["status"], applied.json()["line_count"]) == (200, "applied", 2)
    assert applied.json()["closed_at"] is not None
    assert (await shop.stock("LAMP"), await shop.stock("SHADE")) == ((7, 0), (2, 0))
    movement = (await staff.get("/inventory/LAMP/movements")).json()["items"][0]
    assert (movement["kind"], movement["reason"], movement["session_id"]) == ("count", "aisle 7", path[-36:])
    await shop.require_invariants()


async def test_a_delivery_is_applied_once_with_a_key_and_without(staff: Caller, shop: Shop) -> None:
    path = await opened(staff, kind="receive")
    await put(staff, path, LAMP=5)
    headers = keyed()
    answers = [await staff.post(f"{path}/apply", headers=sent) for sent in (headers, headers, {}, keyed())]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", None, None]
    assert await shop.stock("LAMP") == (15, 0)


async def test_the_same_click_opens_one_session(staff: Caller) -> None:
    headers = keyed()
    ids = {
        (await staff.post("/inventory/sessions", json={"kind": "count"}, headers=headers)).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    assert [item["id"] for item in await walk(staff, "/inventory/sessions")] == list(ids)


async def test_a_count_below_what_orders_hold_names_its_lines(staff: Caller, shop: Shop) -> None:
    await shop.held({"LAMP": 4})
    path = await opened(staff)
    await put(staff, path, LAMP=3, SHADE=9)
    problem = refused(await staff.post(f"{path}/apply"), 409, "below-reserved")
    assert [(line["sku"], line["reserved"], line["delta"]) for line in problem["lines"]] == [("LAMP", 4, -7)]
    assert (await staff.get(path)).json()["status"] == "open"
    assert await shop.stock("SHADE") == (0, 0)


async def test_what_is_discarded_is_closed(staff: Caller, shop: Shop) -> None:
    path = await opened(staff)
    await put(staff, path, LAMP=3)
    for _ in range(2):
        assert (await staff.post(f"{path}/discard")).json()["status"] == "discarded"
    problem = refused(await staff.post(f"{path}/apply"), 409, "stock-session-closed")
    assert problem["session_status"] == "discarded"
    refused(await staff.put(f"{path}/lines/LAMP", json={"quantity": 1}), 409, "stock-session-closed")
    refused(await staff.delete(f"{path}/lines/LAMP"), 409, "stock-session-closed")
    assert await shop.stock("LAMP") == (10, 0)


async def test_a_line_is_taken_out(staff: Caller) -> None:
    path = await opened(staff)
    await put(staff, path, LAMP=3)
    assert (await staff.delete(f"{path}/lines/LAMP")).status_code == 204
    refused(await staff.delete(f"{path}/lines/LAMP"), 404, "not-found")
    assert (await staff.get(path)).json()["lines"] == []


async def test_sessions_are_listed_by_state(staff: Caller) -> None:
    paths = [await opened(staff, kind=kind) for kind in ("count", "receive", "count")]
    await staff.post(f"{paths[1]}/discard")
    assert [item["id"] for item in await walk(staff, "/inventory/sessions")] == [path[-36:] for path in paths[::-1]]
    still_open = await walk(staff, "/inventory/sessions", status="open")
    assert [item["id"] for item in still_open] == [paths[2][-36:], paths[0][-36:]]


async def test_what_is_not_there_is_said_not_to_be(staff: Caller) -> None:
    path, nowhere = await opened(staff), f"/inventory/sessions/{uuid4()}"
    refused(await staff.get(nowhere), 404, "not-found")
    refused(await staff.post(f"{nowhere}/apply"), 404, "not-found")
    refused(await staff.post(f"{nowhere}/discard"), 404, "not-found")
    refused(await staff.put(f"{nowhere}/lines/LAMP", json={"quantity": 1}), 404, "not-found")
    refused(await staff.put(f"{path}/lines/NOPE", json={"quantity": 1}), 404, "not-found")
    refused(await staff.post("/inventory/sessions", json={"kind": "count", "location": "attic"}), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "steal"}, {"kind": "count", "status": "applied"}, {"kind": "count", "reference": "a\0"},
        {"kind": "count", "reference": "a" * 201}, {"kind": "count", "reference": "a\nb"}, {"kind": None},
    ],
)  # fmt: skip
async def test_what_is_no_session_is_not_opened(staff: Caller, body: dict[str, Any]) -> None:
    refused(await staff.post("/inventory/sessions", json=body), 422, "validation-failed")


@pytest.mark.parametrize("quantity", [-1, 1_000_001, "3", 1.5, None, True])
async def test_what_is_no_quantity_is_not_counted(staff: Caller, quantity: Any) -> None:
    path = await opened(staff)
    answer = await staff.put(f"{path}/lines/LAMP", json={"quantity": quantity})
    refused(answer, 422, "validation-failed")
    assert (await staff.get(path)).json()["lines"] == []
