"""The second half of the story: what happens to an order once it is confirmed."""

import asyncio
from typing import Any
from uuid import uuid4

from devstack.demo.actors import eventually, require
from devstack.demo.stage import SKU, Stage, price


async def an_order_is_shipped_delivered_and_partly_sent_back(stage: Stage) -> None:
    shopper, (on_hand, reserved) = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU, 2)
    order = (await shopper.check_out()).json()
    path = f"/orders/{order['id']}"
    await _done(stage, f"{path}/process")
    for number in (1, 2):
        parcel = {"carrier": "DHL", "tracking_number": f"JD{number}", "lines": [{"sku": SKU, "quantity": 1}]}
        order = await _done(stage, f"{path}/ship", parcel)
    require((order["status"], len(order["shipments"])) == ("shipped", 2), "it is shipped with the second parcel")
    order = await _done(stage, f"{path}/deliver")
    stage.say(f"{order['number']} left in two parcels and is {order['status']}.")
    lines = {"lines": [{"sku": SKU, "quantity": 1}], "reason": "too small"}
    asked = await shopper.call("POST", f"{path}/returns", lines, f"demo-return-{uuid4()}")
    require(asked.status_code == 201, f"a delivered order can be sent back, but: {asked.text}")
    back = f"/returns/{asked.json()['id']}"
    await _done(stage, f"{back}/approve")
    await _done(stage, f"{back}/receive", {"restock": True})

    async def is_refunded() -> bool:
        return bool((await stage.staff.get(back))["status"] == "refunded")

    await eventually(is_refunded, "the money of the line is on its way back")
    payment = await stage.staff.get(f"/payments/{order['payment_id']}")
    require(payment["refunded"]["amount"] * 2 == payment["captured"]["amount"], "half of the money went back")
    require(await stage.stock() == (on_hand - 1, reserved), "one unit is on the shelf again")
    told = [item["kind"] for item in (await shopper.get("/notifications?limit=3"))["items"]]
    require("refund_issued" in told, f"the customer is told, but: {told}")
    stage.say(f"One unit came back: {price(payment['refunded'])} are paid back, the shelf has it, the customer knows.")


async def a_cancellation_races_a_shipment(stage: Stage) -> None:
    shopper, (on_hand, reserved) = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU)
    order = (await shopper.check_out()).json()
    path = f"/orders/{order['id']}"
    await _done(stage, f"{path}/process")
    parcel = {"carrier": "DHL", "tracking_number": "JD3"}
    shipped, cancelled = await asyncio.gather(
        stage.staff.call("POST", f"{path}/ship", parcel),
        shopper.call("POST", f"{path}/cancel", {"reason": "changed my mind"}),
    )
    answers = {shipped.status_code, cancelled.status_code}
    require(answers == {200, 409}, f"one of the two wins, but: {shipped.text} {cancelled.text}")
    order = await stage.order(order["id"])
    is_shipped = shipped.status_code == 200
    require(order["status"] == ("shipped" if is_shipped else "cancelled"), f"the order agrees, but: {order['status']}")
    require(order["payment_status"] == ("captured" if is_shipped else "refunded"), "so does the money")
    require(await stage.stock() == (on_hand - is_shipped, reserved), "and the shelf")
    stage.say(
        f"{order['number']} is {order['status']}, its payment {order['payment_status']}; the other one heard 409."
    )


async def _done(stage: Stage, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = await stage.staff.call("POST", path, body or {})
    require(answer.status_code == 200, f"staff do {path}, but: {answer.text}")
    return answer.json()
