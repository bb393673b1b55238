"""Staff at the desk."""

from tests.api.performance.cases.orders import order
from tests.api.performance.scene import Ask, Scene, ask, case
from tests.api.steering.conftest import stuck_order


@case("GET /orders/{order_id}/workflow")
async def a_workflow(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": (await order(scene))[1]["id"]})


@case("POST /orders/{order_id}/retry")
async def retried(scene: Scene) -> Ask:
    made = await stuck_order(await scene.sign_in(), scene.staff, scene.gateway, scene.skus[0])
    return ask(scene.staff, {"order_id": made["id"]}, json={})


@case("POST /orders/{order_id}/extend-hold")
async def held_for_longer(scene: Scene) -> Ask:
    made = (await order(scene))[1]
    return ask(scene.staff, {"order_id": made["id"]}, json={"minutes": 60, "reason": "on holiday"})


@case("GET /ops/orders")
async def under_way(scene: Scene) -> Ask:
    await order(scene)
    return ask(scene.staff)


@case("POST /ops/orders/actions")
async def many_at_once(scene: Scene) -> Ask:
    made = (await order(scene))[1]
    body = {"action": "confirm", "order_ids": [made["id"]], "reason": "called back"}
    return ask(scene.staff, json=body)
