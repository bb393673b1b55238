"""Correcting stock: once per key, on the version that was read, never below what orders hold."""

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Caller, SignIn
from tests.api.inventory.test_stock import adjust
from tests.api.shopping import keyed, refused
from tests.builders import Shop


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)


async def test_the_answer_is_the_stock_and_the_movement(staff: Caller, shop: Shop) -> None:
    adjusted = await adjust(staff, "LAMP", -3)
    assert (adjusted["on_hand"], adjusted["available"], adjusted["movement"]["delta"]) == (7, 7, -3)
    body = {"set_to": 12, "expected_on_hand": 7, "reason": "counted"}
    answer = await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed())
    assert (answer.status_code, answer.json()["on_hand"], answer.json()["movement"]["delta"]) == (201, 12, 5)
    assert answer.headers["ETag"] == (await staff.get("/inventory/LAMP")).headers["ETag"]
    await shop.require_invariants()


async def test_a_key_is_required_and_adjusts_once(staff: Caller, shop: Shop) -> None:
    body = {"delta": -3, "reason": "broken"}
    refused(await staff.post("/inventory/LAMP/adjustments", json=body), 400, "idempotency-key-missing")
    headers = keyed()
    first = await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers)
    await adjust(staff, "LAMP", 1)
    again = await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["movement"] == first.json()["movement"]
    assert again.json()["on_hand"] == 8, "as it stands now"
    other = await staff.post("/inventory/LAMP/adjustments", json=body | {"delta": -4}, headers=headers)
    refused(other, 422, "idempotency-key-reused")
    assert await shop.stock("LAMP") == (8, 0)


async def test_a_key_whose_sku_was_deleted_finds_nothing_even_where_a_new_one_has_its_name(
    staff: Caller, shop: Shop
) -> None:
    path, body, headers = "/inventory/LAMP/adjustments", {"delta": -3, "reason": "broken"}, keyed()
    await staff.post(path, json=body, headers=headers)
    [(product_id,)] = await shop.rows("SELECT product_id FROM variants")
    assert (await staff.delete(f"/products/{product_id}")).status_code == 204
    refused(await staff.post(path, json=body, headers=headers), 404, "not-found")
    await shop.product("LAMP", stock=10)
    again = await staff.post(path, json=body, headers=headers)
    refused(again, 404, "not-found")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await shop.stock("LAMP") == (10, 0)


async def test_one_key_sent_ten_times_at_once_adjusts_once(staff: Caller, shop: Shop) -> None:
    headers, body = keyed(), {"delta": -3, "reason": "broken"}
    answers = await asyncio.gather(
        *(staff.post("/inventory/LAMP/adjustments", json=body, headers=headers) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["movement"]["id"] for answer in answers}) == 1
    assert await shop.stock("LAMP") == (7, 0)


async def test_of_two_that_set_what_they_both_read_one_is_told_the_figure_now(staff: Caller, shop: Shop) -> None:
    body = {"set_to": 4, "expected_on_hand": 10, "reason": "counted"}
    answers = await asyncio.gather(
        *(staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed()) for _ in range(2))
    )
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 201
    problem = refused(lost, 409, "stock-changed")
    assert (problem["on_hand"], problem["expected_on_hand"], problem["location"]) == (4, 10, "main")


async def test_a_refused_adjustment_does_not_use_its_key_up(staff: Caller, shop: Shop) -> None:
    headers, body = keyed(), {"set_to": 4, "expected_on_hand": 9, "reason": "counted"}
    refused(await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers), 409, "stock-changed")
    await adjust(staff, "LAMP", -1)
    assert (await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers)).status_code == 201
    assert await shop.stock("LAMP") == (4, 0)


async def test_setting_what_is_set_already_books_nothing_and_says_so(staff: Caller) -> None:
    headers, body = keyed(), {"set_to": 10, "expected_on_hand": 10, "reason": "counted"}
    for _ in range(2):
        answer = await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers)
        assert (answer.status_code, answer.json()["movement"]) == (200, None)
    assert answer.headers["Idempotent-Replayed"] == "true"


async def test_units_that_orders_hold_stay(staff: Caller, shop: Shop) -> None:
    await shop.held({"LAMP": 8})
    body = {"delta": -3, "reason": "broken"}
    problem = refused(
        await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed()), 409, "below-reserved"
    )
    assert problem["lines"] == [{"sku": "LAMP", "location": "main", "on_hand": 10, "reserved": 8, "delta": -3}]
    assert await shop.stock("LAMP") == (10, 8)


async def test_the_version_that_was_read_is_honoured(staff: Caller, shop: Shop) -> None:
    tag = (await staff.get("/inventory/LAMP")).headers["ETag"]
    body = {"delta": 1, "reason": "found"}
    answers = [
        await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed() | {"If-Match": tag})
        for _ in range(2)
    ]
    assert answers[0].status_code == 201
    refused(answers[1], 412, "stale")
    again = {"If-Match": answers[0].headers["ETag"]}
    assert (await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed() | again)).status_code == 201
    assert await shop.stock("LAMP") == (12, 0)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"delta": 1}, {"reason": "because"}, {"delta": 0, "reason": "because"},
        {"delta": 1, "set_to": 2, "expected_on_hand": 1, "reason": "because"}, {"set_to": 2, "reason": "because"},
        {"expected_on_hand": 2, "reason": "because"}, {"delta": 1, "reason": " "}, {"delta": 1, "reason": "a\0b"},
        {"delta": 1, "reason": "a" * 201}, {"delta": "1", "reason": "because"}, {"delta": 1.5, "reason": "because"},
        {"delta": True, "reason": "because"}, {"delta": 10**30, "reason": "because"},
        {"set_to": -1, "expected_on_hand": 0, "reason": "because"}, {"delta": 1, "reason": "because", "on_hand": 99},
        {"delta": 1, "reason": "because", "kind": "receipt"}, {"delta": 1, "reason": "because", "location": "M A I N"},
        {"delta": 1, "reason": "because", "actor_id": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"},
    ],
)  # fmt: skip
async def test_what_is_no_adjustment_changes_nothing(staff: Caller, shop: Shop, body: dict[str, Any]) -> None:
    answer = await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed())
    refused(answer, 422, "validation-failed")
    assert await shop.stock("LAMP") == (10, 0)


@pytest.mark.spoils_books
async def test_a_shelf_has_an_end(staff: Caller, shop: Shop) -> None:
    await shop.rows("UPDATE stock SET on_hand = 999999999")
    body = {"delta": 2, "reason": "because"}
    refused(await staff.post("/inventory/LAMP/adjustments", json=body, headers=keyed()), 422, "too-many-units")


async def test_a_sku_or_a_location_that_is_not_there_is_not_adjusted(staff: Caller) -> None:
    body = {"delta": 1, "reason": "because"}
    refused(await staff.post("/inventory/NOPE/adjustments", json=body, headers=keyed()), 404, "not-found")
    nowhere = body | {"location": "attic"}
    refused(await staff.post("/inventory/LAMP/adjustments", json=nowhere, headers=keyed()), 404, "not-found")


async def test_units_are_moved_to_another_location_once(staff: Caller, shop: Shop) -> None:
    await staff.post("/inventory/locations", json={"code": "annex", "name": "Annex"})
    headers, body = keyed(), {"from": "main", "to": "annex", "quantity": 4, "reason": "for the display"}
    for _ in range(2):
        answer = await staff.post("/inventory/LAMP/transfers", json=body, headers=headers)
        assert (answer.status_code, answer.json()["on_hand"]) == (201, 10)
        assert [(place["code"], place["on_hand"]) for place in answer.json()["locations"]] == [
            ("main", 6),
            ("annex", 4),
        ]
    problem = refused(await staff.post("/inventory/LAMP/transfers", json=body | {"quantity": 7}), 409, "below-reserved")
    assert problem["lines"][0]["on_hand"] == 6
    for change in ({"to": "main"}, {"quantity": 0}, {"quantity": -1}, {"source": "main"}):
        refused(await staff.post("/inventory/LAMP/transfers", json=body | change), 422, "validation-failed")
    await shop.require_invariants()


async def test_what_staff_did_is_in_the_audit_log_with_where_from(sign_in: SignIn, shop: Shop) -> None:
    admin = await sign_in("admin")
    adjusted = await adjust(admin, "LAMP", -3, reason="given to Ada Shopper")
    rows = await shop.rows("SELECT actor_id, action, subject, subject_id, details, request_id FROM audit_entries")
    assert [row[:4] for row in rows] == [(admin.user_id, "stock.adjust", "stock", "LAMP")]
    assert rows[0][4] == {"location": "main", "delta": -3, "movement_id": adjusted["movement"]["id"]}
    assert rows[0][5]
