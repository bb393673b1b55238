"""Stock, as staff keep it."""

from typing import Any
from uuid import uuid4

from tests.api.performance.scene import Ask, Scene, ask, case


async def location(scene: Scene) -> str:
    code = f"shop-{uuid4().hex[:8]}"
    await scene.staff.post("/inventory/locations", json={"code": code, "name": "A shop"})
    return code


async def session(scene: Scene, *, with_line: bool = True) -> dict[str, Any]:
    """An open delivery; its id, and a SKU."""
    opened = (await scene.staff.post("/inventory/sessions", json={"kind": "receive"})).json()
    found = {"session_id": opened["id"], "sku": scene.skus[0]}
    if with_line:
        await scene.staff.put(f"/inventory/sessions/{opened['id']}/lines/{scene.skus[0]}", json={"quantity": 3})
    return found


@case("GET /inventory")
async def the_stock(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("GET /inventory/{sku}")
async def a_sku(scene: Scene) -> Ask:
    return ask(scene.staff, {"sku": scene.skus[0]})


@case("PATCH /inventory/{sku}")
async def a_threshold(scene: Scene) -> Ask:
    return ask(scene.staff, {"sku": await scene.sku()}, json={"low_stock_threshold": 7})


@case("POST /inventory/{sku}/adjustments")
async def an_adjustment(scene: Scene) -> Ask:
    return ask(scene.staff, {"sku": scene.skus[0]}, json={"delta": 1, "reason": "found"}, is_keyed=True)


@case("POST /inventory/{sku}/transfers")
async def a_transfer(scene: Scene) -> Ask:
    body = {"from": "main", "to": await location(scene), "quantity": 1, "reason": "for the display"}
    return ask(scene.staff, {"sku": scene.skus[0]}, json=body)


@case("GET /inventory/{sku}/movements")
async def the_movements(scene: Scene) -> Ask:
    return ask(scene.staff, {"sku": scene.skus[0]})


@case("GET /inventory/events")
async def the_events(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("GET /inventory/locations")
async def the_locations(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("POST /inventory/locations")
async def a_new_location(scene: Scene) -> Ask:
    return ask(scene.staff, json={"code": f"shop-{uuid4().hex[:8]}", "name": "A shop"})


@case("GET /inventory/locations/{code}")
async def a_location(scene: Scene) -> Ask:
    return ask(scene.staff, {"code": "main"})


@case("PATCH /inventory/locations/{code}")
async def a_renamed_location(scene: Scene) -> Ask:
    return ask(scene.staff, {"code": await location(scene)}, json={"name": "Another shop"})


@case("GET /inventory/sessions")
async def the_sessions(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("POST /inventory/sessions")
async def a_new_session(scene: Scene) -> Ask:
    return ask(scene.staff, json={"kind": "count"})


@case("GET /inventory/sessions/{session_id}")
async def a_session(scene: Scene) -> Ask:
    return ask(scene.staff, await session(scene))


@case("PUT /inventory/sessions/{session_id}/lines/{sku}")
async def a_line(scene: Scene) -> Ask:
    return ask(scene.staff, await session(scene, with_line=False), json={"quantity": 3})


@case("DELETE /inventory/sessions/{session_id}/lines/{sku}")
async def no_line(scene: Scene) -> Ask:
    return ask(scene.staff, await session(scene))


@case("POST /inventory/sessions/{session_id}/apply")
async def applied(scene: Scene) -> Ask:
    return ask(scene.staff, await session(scene))


@case("POST /inventory/sessions/{session_id}/discard")
async def discarded(scene: Scene) -> Ask:
    return ask(scene.staff, await session(scene))
