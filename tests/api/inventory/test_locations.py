"""Locations, over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.inventory.test_stock import walk
from tests.api.shopping import keyed, refused
from tests.builders import Shop

BARN = {"code": "barn", "name": "The old barn"}


async def test_a_location_is_added_once_per_key_and_read_back(staff: Caller, shop: Shop) -> None:
    headers = keyed()
    answers = [await staff.post("/inventory/locations", json=BARN, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].headers["Location"] == "/api/v1/inventory/locations/barn"
    shown = await staff.get("/inventory/locations/barn")
    assert shown.json() == answers[0].json() == answers[1].json()
    assert shown.json() | BARN == shown.json()
    assert shown.headers["ETag"] == answers[0].headers["ETag"]
    refused(await staff.post("/inventory/locations", json=BARN), 409, "location-taken")
    actions = [action for (action,) in await shop.rows("SELECT action FROM audit_entries")]
    assert actions == ["location.create"]


async def test_a_location_gets_another_name_and_keeps_its_code(staff: Caller) -> None:
    await staff.post("/inventory/locations", json=BARN)
    renamed = await staff.patch("/inventory/locations/barn", json={"name": "The new barn"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "The new barn")
    refused(await staff.patch("/inventory/locations/barn", json={"code": "shed"}), 422, "validation-failed")
    refused(await staff.patch("/inventory/locations/shed", json={"name": "Shed"}), 404, "not-found")
    refused(await staff.get("/inventory/locations/shed"), 404, "not-found")


async def test_locations_are_listed_by_their_codes(staff: Caller) -> None:
    for code in ("cellar", "annex", "barn"):
        await staff.post("/inventory/locations", json={"code": code, "name": code.title()})
    assert [item["code"] for item in await walk(staff, "/inventory/locations")] == ["annex", "barn", "cellar", "main"]


@pytest.mark.parametrize(
    "change",
    [
        {"code": "Barn"}, {"code": ""}, {"code": "-barn"}, {"code": "a" * 33}, {"code": "ba rn"}, {"code": "bärn"},
        {"name": ""}, {"name": "\0"}, {"name": "a" * 121}, {"id": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90"},
    ],
)  # fmt: skip
async def test_what_is_no_location_is_not_added(staff: Caller, change: dict[str, Any]) -> None:
    refused(await staff.post("/inventory/locations", json=BARN | change), 422, "validation-failed")
