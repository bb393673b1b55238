"""An order after its checkout. What its workflow does behind a command is the worker's, and not counted here."""

from tests.api.fulfilling import SHIPMENT, done
from tests.api.performance.cases.orders import order
from tests.api.performance.scene import Ask, Scene, ask, case


async def up_to(scene: Scene, *verbs: str) -> str:
    """A cash-on-delivery order to which this was done; its id."""
    _, made = await order(scene)
    for verb in verbs:
        await done(scene.staff, made["id"], verb, SHIPMENT if verb == "ship" else {})
    order_id: str = made["id"]
    return order_id


@case("POST /orders/{order_id}/process")
async def processed(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": await up_to(scene, "confirm")}, json={})


@case("POST /orders/{order_id}/ship")
async def shipped(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": await up_to(scene, "confirm", "process")}, json=SHIPMENT)


@case("POST /orders/{order_id}/deliver")
async def delivered(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": await up_to(scene, "confirm", "process", "ship")}, json={})


@case("POST /orders/{order_id}/cancel")
async def cancelled(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": await up_to(scene, "confirm", "process")}, json={"reason": "sold out"})
