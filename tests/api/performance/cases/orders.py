"""Checkout, orders, payments. What the workflow does behind a click is the worker's, and not counted here."""

from typing import Any
from uuid import UUID

from tests.api.conftest import Caller
from tests.api.performance.scene import Ask, Scene, ask, case
from tests.api.shopping import CARD, COD, THREE_D_SECURE, add, ordered, until
from tests.api.webhooks import event, intent_of, signature
from workflows.checkout import CheckoutWorkflow


async def shopper(scene: Scene) -> Caller:
    """Somebody with a line in the cart."""
    caller = await scene.sign_in()
    await add(caller, scene.skus[0])
    return caller


async def order(scene: Scene, body: dict[str, Any] = COD) -> tuple[Caller, dict[str, Any]]:
    caller = await shopper(scene)
    return caller, await ordered(caller, body)


@case("POST /orders/checkout by card")
async def by_card(scene: Scene) -> Ask:
    return ask(await shopper(scene), json=CARD, is_keyed=True)


@case("POST /orders/checkout COD")
async def cod(scene: Scene) -> Ask:
    return ask(await shopper(scene), json=COD, is_keyed=True)


@case("POST /orders/{order_id}/payment-attempts")
async def another_card(scene: Scene) -> Ask:
    caller, made = await order(scene, CARD | {"payment_token": THREE_D_SECURE})
    scene.gateway.finish_3ds(f"pi_{UUID(made['id']).hex}", paid=False)
    await scene.temporal.get_workflow_handle(made["workflow_id"]).signal(CheckoutWorkflow.payment_news)

    async def has_failed() -> bool:
        return bool((await caller.get(f"/orders/{made['id']}")).json()["status"] == "payment_failed")

    await until(has_failed)
    return ask(caller, {"order_id": made["id"]}, json={"payment_token": "pm_card_visa"}, is_keyed=True)


@case("GET /orders")
async def the_orders(scene: Scene) -> Ask:
    return ask((await order(scene))[0])


@case("GET /orders/{order_id}")
async def an_order(scene: Scene) -> Ask:
    caller, made = await order(scene)
    return ask(caller, {"order_id": made["id"]})


@case("GET /orders/{order_id}/timeline")
async def a_timeline(scene: Scene) -> Ask:
    caller, made = await order(scene)
    return ask(caller, {"order_id": made["id"]})


@case("POST /orders/{order_id}/confirm")
async def confirmed(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": (await order(scene))[1]["id"]}, json={})


@case("POST /orders/{order_id}/reject")
async def rejected(scene: Scene) -> Ask:
    return ask(scene.staff, {"order_id": (await order(scene))[1]["id"]}, json={})


@case("GET /payments/{payment_id}")
async def a_payment(scene: Scene) -> Ask:
    caller, made = await order(scene, CARD)
    return ask(caller, {"payment_id": made["payment_id"]})


@case("GET /payments/return")
async def back_from_the_bank(scene: Scene) -> Ask:
    _, made = await order(scene, CARD | {"payment_token": THREE_D_SECURE})
    return ask(scene.anonymous, params={"payment_intent": intent_of(made["id"])})


@case("POST /webhooks/payments/{provider}")
async def news(scene: Scene) -> Ask:
    _, made = await order(scene, CARD | {"payment_token": THREE_D_SECURE})
    payload = event(made["id"])
    headers = {"Stripe-Signature": signature(payload), "Content-Type": "application/json"}
    return ask(scene.anonymous, {"provider": "stripe"}, content=payload, headers=headers)
