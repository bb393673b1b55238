"""Streams, until they begin. After that each costs a query when something is new, and one with a heartbeat."""

from tests.api.performance.cases.orders import order
from tests.api.performance.scene import Ask, Scene, ask, case


@case("GET /notifications/stream")
async def notifications(scene: Scene) -> Ask:
    return ask(await scene.sign_in())


@case("GET /orders/{order_id}/events")
async def an_orders_events(scene: Scene) -> Ask:
    caller, made = await order(scene)
    return ask(caller, {"order_id": made["id"]})
