"""Payments, and what goes back of them."""

from typing import Any

from domain.money import Money
from domain.orders import PaymentStatus
from models.payments import Payment
from services import payments
from tests.api.performance.scene import Ask, Scene, ask, case

SOME = {"amount": {"amount": 500, "currency": "USD"}, "reason": "one came scratched"}


async def paid(scene: Scene) -> Payment:
    order_id = await scene.shop.paid({await scene.sku(): 1}, user_id=scene.customer.user_id)
    payment = await scene.shop.payment(order_id)
    scene.gateway.pay(order_id, Money(payment.amount, payment.currency))
    return payment


async def given_back(scene: Scene) -> dict[str, Any]:
    """A refund of the customer's."""
    payment = await paid(scene)
    asked = ask(scene.staff, json=SOME, is_keyed=True)
    refund: dict[str, Any] = (await asked.caller.post(f"/payments/{payment.id}/refunds", **asked.more)).json()
    return refund


@case("GET /payments")
async def the_payments(scene: Scene) -> Ask:
    await paid(scene)
    return ask(scene.staff)


@case("POST /payments/{payment_id}/refunds")
async def a_refund(scene: Scene) -> Ask:
    return ask(scene.staff, {"payment_id": (await paid(scene)).id}, json=SOME, is_keyed=True)


@case("GET /payments/{payment_id}/refunds")
async def the_refunds(scene: Scene) -> Ask:
    return ask(scene.customer, {"payment_id": (await given_back(scene))["payment_id"]})


@case("GET /refunds/{refund_id}")
async def one_refund(scene: Scene) -> Ask:
    return ask(scene.customer, {"refund_id": (await given_back(scene))["id"]})


@case("POST /payments/{payment_id}/capture")
async def a_capture(scene: Scene) -> Ask:
    """Of money that waits for the shipping."""
    order_id = await scene.shop.confirmed({await scene.sku(): 1})
    await scene.shop.rows("UPDATE orders SET capture_at = 'shipping' WHERE id = :id", id=order_id)
    async with scene.shop.database.transaction() as session:
        payment = await payments.open_payment(session, order_id, "stripe")
        intent = await scene.gateway.create(order_id, Money(payment.amount, payment.currency))
        await scene.gateway.confirm(intent.ref, order_id, 1, "pm_card_visa", "http://shop.test")
        payment.provider_ref, payment.status = intent.ref, PaymentStatus.AUTHORIZED
    return ask(scene.staff, {"payment_id": payment.id}, is_keyed=True)
