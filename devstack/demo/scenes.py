"""The story of `make demo`, scene by scene. Each raises DidNotHold when the shop breaks a promise."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from devstack.demo import shelf
from devstack.demo.actors import eventually, require
from devstack.demo.scenes_fulfilment import (
    a_cancellation_races_a_shipment,
    an_order_is_shipped_delivered_and_partly_sent_back,
)
from devstack.demo.stage import SKU, Stage, price

SCARCE = "TEE-BASIC-BLACK-S"
RACERS, LAST_UNITS, CLICKS = 10, 3, 20
REPLY_DELAY = 3.0
"""Seconds that the provider keeps its reply back: time to kill the worker in."""


async def a_card_order_is_paid(stage: Stage) -> None:
    shopper, (on_hand, reserved) = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU, 2)
    answer = await shopper.check_out()
    require(answer.status_code == 201, f"a good card pays, but: {answer.text}")
    order = answer.json()
    stage.say(f"{order['number']} is {order['status']}: 2 × {SKU} for {price(order['totals']['total'])}.")
    require(order["status"] == "confirmed", "the order is confirmed when the reply comes")
    require(await stage.stock() == (on_hand - 2, reserved), "two units left the shelf, and none is reserved any more")
    require((await shopper.get("/carts/current"))["items"] == [], "the cart is empty")

    async def is_captured() -> bool:
        return bool((await stage.order(order["id"]))["payment_status"] == "captured")

    await eventually(is_captured, "the money is captured right after")
    require(len(await stage.bank.charges_of(order["id"])) == 1, "the provider's journal has one charge")
    stage.say("The money is captured, the shelf has two units less, the cart is empty.")


async def a_declined_card_is_undone(stage: Stage) -> None:
    shopper, before = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU)
    answer = await shopper.check_out("pm_card_chargeDeclined")
    require(answer.status_code == 402, f"a declined card answers 402, but: {answer.status_code} {answer.text}")
    stage.say(f"402 {answer.json()['code']}: {answer.json()['detail']}")
    require(await stage.stock() == before, "the stock is back")
    require(len((await shopper.get("/carts/current"))["items"]) == 1, "the cart is kept")
    again = await shopper.check_out("pm_card_visa")
    require(again.status_code == 201, f"another card pays for the same cart, but: {again.text}")
    stage.say(f"The stock is back and the cart is kept; another card pays for it: {again.json()['number']}.")


async def staff_confirm_by_the_temporal_command(stage: Stage) -> None:
    shopper = await stage.shopper()
    await shopper.put_into_cart(SKU)
    order = (await shopper.check_out(token=None)).json()
    require(order.get("status") == "pending_confirmation", f"cash on delivery waits for staff, but: {order}")
    stage.say(f"{order['number']} is {order['status']}.")
    typed = await stage.temporal.signal(order["workflow_id"], "confirm_cod", {"by": "demo", "note": "called back"})
    stage.say(f"$ {typed}")

    async def is_confirmed() -> bool:
        return bool((await stage.order(order["id"]))["status"] == "confirmed")

    await eventually(is_confirmed, "the signal confirms the order")
    events = (await shopper.get(f"/orders/{order['id']}/timeline"))["items"]
    require(events[-1]["actor"] == "demo", "the timeline knows who confirmed it")
    stage.say(f"{order['number']} is confirmed, by “{events[-1]['actor']}”: {events[-1]['note']}.")


async def staff_reject_over_http(stage: Stage) -> None:
    shopper, before = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU)
    order = (await shopper.check_out(token=None)).json()
    require((await stage.stock())[1] == before[1] + 1, "the unit is held while the order waits")
    answer = await stage.staff.call("POST", f"/orders/{order['id']}/reject", {"note": "nobody answers the phone"})
    require(answer.status_code == 200, f"staff can reject it, but: {answer.text}")
    require(answer.json()["status"] == "cancelled", "a rejected order is cancelled")
    require(await stage.stock() == before, "the stock is back before `cancelled` is written")
    stage.say(f"{order['number']} is {answer.json()['status']} ({answer.json()['cancel_reason']}), its stock is back.")


async def ten_race_for_the_last_three(stage: Stage) -> None:
    await shelf.count(stage.database, SCARCE, LAST_UNITS)
    racers = [await stage.shopper(number) for number in range(RACERS)]
    for racer in racers:
        await racer.put_into_cart(SCARCE)
    answers = await asyncio.gather(*(racer.check_out() for racer in racers))
    won = [answer for answer in answers if answer.status_code == 201]
    lost = [answer for answer in answers if answer.status_code == 409 and answer.json()["code"] == "out-of-stock"]
    stage.say(f"{len(won)} of {RACERS} got a unit, {len(lost)} heard out-of-stock.")
    require((len(won), len(lost)) == (LAST_UNITS, RACERS - LAST_UNITS), "exactly the last three units are sold")
    require(await stage.stock(SCARCE) == (0, 0), "the shelf is empty and nothing is reserved")


async def one_click_sent_twenty_times(stage: Stage) -> None:
    shopper, (on_hand, _) = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU)
    key = f"demo-click-{os.urandom(8).hex()}"
    answers = await asyncio.gather(*(shopper.check_out(key=key) for _ in range(CLICKS)))
    ids = {answer.json().get("id") for answer in answers}
    require(all(answer.status_code in (201, 202) for answer in answers), f"each is answered, but: {answers}")
    require(len(ids) == 1, f"all {CLICKS} answers name one order, but: {ids}")
    order_id = ids.pop()
    require(len(await stage.bank.charges_of(order_id)) == 1, "the card is charged once")
    require((await stage.stock())[0] == on_hand - 1, "one unit left the shelf")
    stage.say(f"{CLICKS} answers, one order, one charge, one unit: {(await stage.order(order_id))['number']}.")


async def the_worker_dies_between_charge_and_confirm(stage: Stage) -> None:
    shopper, (on_hand, reserved) = await stage.shopper(), await stage.stock()
    await shopper.put_into_cart(SKU)
    await stage.bank.set_fault("confirm", "slow_reply", REPLY_DELAY)
    key = f"demo-killed-{os.urandom(8).hex()}"
    click = asyncio.create_task(shopper.check_out(key=key))

    async def newest() -> Any:
        orders = (await shopper.get("/orders?limit=1"))["items"]
        return orders[0] if orders and orders[0]["status"] == "pending_payment" else None

    async def is_charged() -> bool:
        order = await newest()
        intents = await stage.bank.intents_of(order["id"]) if order else []
        return any(intent["status"] == "requires_capture" for intent in intents)

    await eventually(is_charged, "the provider sets the money aside")
    order, pid = await newest(), stage.worker_pid()
    require(order is not None and pid is not None, "the order waits for the provider's reply")
    os.kill(pid or 0, signal.SIGKILL)
    stage.say(f"$ kill -9 {pid}   # the worker: the card is charged, {order['number']} is {order['status']}")

    async def is_paid() -> bool:
        now = await stage.order(order["id"])
        return (now["status"], now["payment_status"]) == ("confirmed", "captured")

    await eventually(is_paid, "another worker finishes the order")
    require((await click).status_code in (201, 202), "the shopper gets an answer")
    require(len(await stage.bank.charges_of(order["id"])) == 1, "the card is charged once")
    require(await stage.stock() == (on_hand - 1, reserved), "one unit left the shelf")
    stage.say(f"The supervisor started another worker: {order['number']} is confirmed and captured, with one charge.")


SCENES: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = (
    ("A shopper pays by card", a_card_order_is_paid),
    ("The card is declined", a_declined_card_is_undone),
    ("Cash on delivery, confirmed with the temporal command", staff_confirm_by_the_temporal_command),
    ("Cash on delivery, rejected by staff", staff_reject_over_http),
    (f"{RACERS} shoppers race for the last {LAST_UNITS} units", ten_race_for_the_last_three),
    (f"One click, sent {CLICKS} times at once", one_click_sent_twenty_times),
    ("The worker is killed between charge and confirm", the_worker_dies_between_charge_and_confirm),
    ("Shipped, delivered, and partly sent back", an_order_is_shipped_delivered_and_partly_sent_back),
    ("A cancellation races a shipment", a_cancellation_races_a_shipment),
)
