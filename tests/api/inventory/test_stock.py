"""What staff read about stock: a SKU's picture, the list, the ledger, the events."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import keyed, refused
from tests.builders import Shop


async def adjust(staff: Caller, sku: str, delta: int, **more: Any) -> dict[str, Any]:
    body = {"delta": delta, "reason": "because"} | more
    answer = await staff.post(f"/inventory/{sku}/adjustments", json=body, headers=keyed())
    assert answer.status_code == 201, answer.text
    adjusted: dict[str, Any] = answer.json()
    return adjusted


async def walk(staff: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items, in pages of two."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await staff.get(path, params=query | {"limit": 2} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) <= 2
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    return found


async def test_a_sku_is_shown_with_its_locations_and_who_holds_it(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=9)
    await staff.post("/inventory/locations", json={"code": "annex", "name": "Annex"})
    await adjust(staff, "LAMP", 4, location="annex")
    order = await shop.order(await shop.held({"LAMP": 10}))
    answer = await staff.get("/inventory/LAMP")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "sku": "LAMP", "on_hand": 13, "reserved": 10, "available": 3, "low_stock_threshold": 5,
            "locations": [
                {"code": "main", "on_hand": 9, "reserved": 9}, {"code": "annex", "on_hand": 4, "reserved": 1},
            ],
            "held_by": {
                "count": 1,
                "orders": [
                    {
                        "order_id": str(order.id), "number": order.number, "quantity": 10,
                        "expires_at": order.hold_expires_at.isoformat().replace("+00:00", "Z"),
                    }
                ],
            },
        },
    )  # fmt: skip


async def test_the_newest_holders_are_shown_and_all_are_counted(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=60)
    buyer = await shop.user()
    orders = [await shop.held({"LAMP": 1}, user_id=buyer) for _ in range(52)]
    held_by = (await staff.get("/inventory/LAMP")).json()["held_by"]
    assert held_by["count"] == 52
    assert [holder["order_id"] for holder in held_by["orders"]] == [str(order_id) for order_id in orders[:1:-1]]


async def test_the_etag_changes_with_every_change_of_the_stock_and_with_nothing_else(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=9)
    tags = [(await staff.get("/inventory/LAMP")).headers["ETag"] for _ in range(2)]
    order_id = await shop.confirmed({"LAMP": 1})
    tags.append((await staff.get("/inventory/LAMP")).headers["ETag"])
    await adjust(staff, "LAMP", 1)
    tags.append((await staff.get("/inventory/LAMP")).headers["ETag"])
    assert tags[0] == tags[1]
    assert len(set(tags)) == 3
    assert (await staff.get("/inventory/LAMP")).json()["held_by"] == {"count": 0, "orders": []}, order_id


async def test_stock_is_listed_by_sku_and_the_low_by_themselves(staff: Caller, shop: Shop) -> None:
    for number in range(5):
        await shop.product(f"SKU-{number}", stock=number * 2)
    listed = await walk(staff, "/inventory")
    assert [item["sku"] for item in listed] == [f"SKU-{number}" for number in range(5)]
    assert listed[4] == {"sku": "SKU-4", "on_hand": 8, "reserved": 0, "available": 8, "low_stock_threshold": 5}
    await shop.held({"SKU-3": 1})
    low = await walk(staff, "/inventory", low_stock="true")
    assert [(item["sku"], item["available"]) for item in low] == [
        ("SKU-0", 0), ("SKU-1", 2), ("SKU-2", 4), ("SKU-3", 5),
    ]  # fmt: skip


async def test_the_ledger_of_a_sku_is_read_from_its_newest_row(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=9)
    await shop.product("SHADE", stock=9)
    order_id = await shop.confirmed({"LAMP": 2, "SHADE": 1})
    adjusted = await adjust(staff, "LAMP", -3, reason="two fell, one broke")
    rows = await walk(staff, "/inventory/LAMP/movements")
    assert [(row["kind"], row["delta"]) for row in rows] == [("adjustment", -3), ("sale", -2), ("receipt", 9)]
    assert rows[0] == adjusted["movement"]
    assert rows[0] | {"id": "", "at": ""} == {
        "id": "", "sku": "LAMP", "location": "main", "delta": -3, "kind": "adjustment",
        "reason": "two fell, one broke", "order_id": None, "session_id": None, "return_id": None,
        "actor_id": str(staff.user_id), "at": "",
    }  # fmt: skip
    assert rows[1]["order_id"] == str(order_id)
    refused(await staff.get("/inventory/NOPE/movements"), 404, "not-found")


async def test_a_sku_without_movements_has_an_empty_ledger(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=0)
    assert (await staff.get("/inventory/LAMP/movements")).json() == {"items": [], "next_cursor": None}


async def test_what_ran_low_and_out_is_listed(staff: Caller, shop: Shop) -> None:
    for sku in ("LAMP", "SHADE"):
        await shop.product(sku, stock=6)
        await shop.held({sku: 6})
    events = await walk(staff, "/inventory/events")
    assert [(event["sku"], event["kind"], event["available"], event["threshold"]) for event in events] == [
        ("SHADE", "out", 0, 5), ("SHADE", "low", 0, 5), ("LAMP", "out", 0, 5), ("LAMP", "low", 0, 5),
    ]  # fmt: skip
    assert [event["sku"] for event in await walk(staff, "/inventory/events", kind="low", sku="LAMP")] == ["LAMP"]
    refused(await staff.get("/inventory/events", params={"kind": "gone"}), 422, "validation-failed")


async def test_a_threshold_is_set_for_all_locations(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=9)
    tag = (await staff.get("/inventory/LAMP")).headers["ETag"]
    answer = await staff.patch("/inventory/LAMP", json={"low_stock_threshold": 9}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["low_stock_threshold"]) == (200, 9)
    assert answer.headers["ETag"] != tag
    stale = await staff.patch("/inventory/LAMP", json={"low_stock_threshold": 3}, headers={"If-Match": tag})
    refused(stale, 412, "stale")
    assert [event["kind"] for event in await walk(staff, "/inventory/events")] == ["low"]
    refused(await staff.patch("/inventory/NOPE", json={"low_stock_threshold": 3}), 404, "not-found")


@pytest.mark.parametrize("threshold", [-1, 1_000_001, "9", 1.5, None])
async def test_a_threshold_that_is_none_is_refused(staff: Caller, shop: Shop, threshold: Any) -> None:
    await shop.product("LAMP")
    answer = await staff.patch("/inventory/LAMP", json={"low_stock_threshold": threshold})
    refused(answer, 422, "validation-failed")


@pytest.mark.parametrize("cursor", ["%", "äöü", "AA=A", "gA", "AAA", "", "QQ" * 400])
async def test_a_cursor_that_was_tampered_with_is_refused(staff: Caller, cursor: str) -> None:
    """In turn: no base64 (3), no UTF-8, a NUL, nothing at all, too long."""
    for path in ("/inventory", "/inventory/locations"):
        answer = await staff.get(path, params={"cursor": cursor})
        refused(answer, 422, "validation-failed" if len(cursor) > 400 else "invalid-cursor")


@pytest.mark.parametrize("sku", ["LA%00MP", "LAMP%20", "%F0%9F%92%A1", "a" * 65])
async def test_a_sku_that_is_none_is_not_there(staff: Caller, shop: Shop, sku: str) -> None:
    await shop.product("LAMP")
    for path in (f"/inventory/{sku}", f"/inventory/{sku}/movements"):
        assert (await staff.get(path)).status_code in (404, 422)
