"""Returns. What their workflow does behind a decision is the worker's, and not counted here."""

from typing import Any

from tests.api.conftest import Caller
from tests.api.performance.scene import Ask, Scene, ask, case
from tests.api.shopping import keyed
from tests.returning import delivered


async def order(scene: Scene) -> tuple[Caller, dict[str, Any]]:
    """Somebody's delivered order, and the body of a return of it."""
    caller, sku = await scene.sign_in(), scene.skus[0]
    order_id = await delivered(scene.shop, scene.gateway, {sku: 2}, user_id=caller.user_id)
    wish = {"lines": [{"sku": sku, "quantity": 1}], "reason": "It flickers."}
    return caller, {"order_id": str(order_id), "wish": wish}


async def asked(scene: Scene, *verbs: str) -> tuple[Caller, dict[str, Any]]:
    caller, made = await order(scene)
    answer = await caller.post(f"/orders/{made['order_id']}/returns", json=made["wish"], headers=keyed())
    assert answer.status_code == 201, answer.text
    for verb in verbs:
        await scene.staff.post(f"/returns/{answer.json()['id']}/{verb}", json={})
    return caller, made | {"return_id": answer.json()["id"]}


@case("POST /orders/{order_id}/returns")
async def a_wish(scene: Scene) -> Ask:
    caller, made = await order(scene)
    return ask(caller, made, json=made["wish"], is_keyed=True)


@case("GET /orders/{order_id}/returns")
async def of_an_order(scene: Scene) -> Ask:
    return ask(*await asked(scene))


@case("GET /returns")
async def the_returns(scene: Scene) -> Ask:
    return ask((await asked(scene))[0])


@case("GET /returns/{return_id}")
async def a_return(scene: Scene) -> Ask:
    return ask(*await asked(scene))


@case("POST /returns/{return_id}/approve")
async def approved(scene: Scene) -> Ask:
    return ask(scene.staff, (await asked(scene))[1], json={})


@case("POST /returns/{return_id}/reject")
async def rejected(scene: Scene) -> Ask:
    return ask(scene.staff, (await asked(scene))[1], json={})


@case("POST /returns/{return_id}/receive")
async def received(scene: Scene) -> Ask:
    return ask(scene.staff, (await asked(scene, "approve"))[1], json={})
