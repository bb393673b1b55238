"""Checking out, and trying another card."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.clicks import Click
from api.dependencies import CallerDep, ResourcesDep, ViewerDep
from api.gate import Kind, counts_as
from api.idempotency import KeyDep, mark_replayed, refuse_keys_of_the_cart
from api.routes.orders.showing import show, show_pending
from api.schemas.common import problems
from api.schemas.orders import CardBody, CheckoutBody, OrderPending, OrderView
from domain.errors import (
    CartAlreadyOrdered,
    CartEmpty,
    HoldExpired,
    NotAllowedInState,
    NotFound,
    OrderCancelled,
    OutOfStock,
    PaymentDeclined,
    PaymentRefused,
    PaymentTokenUnknown,
    PriceChanged,
)
from domain.money import Money
from domain.orders import FIRST_STATUS, PaymentMethod
from services import idempotency, payments
from services.idempotency import Use
from services.orders import reading
from services.orders.requesting import fingerprint_of

router = APIRouter()


@router.post(
    "/checkout",
    status_code=201,
    operation_id="check_out",
    summary="Order what is in the cart",
    response_model=OrderView,
    responses={
        202: {"model": OrderPending, "description": "Still running: look again at `Location`."},
        **problems(
            PaymentDeclined, PaymentTokenUnknown, PaymentRefused, OutOfStock, PriceChanged, CartAlreadyOrdered,
            OrderCancelled, HoldExpired, CartEmpty,
            s400="The Idempotency-Key is missing or malformed.",
            s402="The payment was declined, or its token is unknown. Everything is undone; the cart is kept.",
            s404="There is no such address of yours.",
            s409="Out of stock, the price has changed, or this cart was ordered with another key.",
            s422="The cart is empty, the body is not valid, or the key was used with another body.",
            s503="Try the same request again after `Retry-After`.",
        ),
    },
)  # fmt: skip
@counts_as(Kind.CHECKOUT)
async def check_out(
    body: CheckoutBody, caller: CallerDep, viewer: ViewerDep, key: KeyDep, resources: ResourcesDep, request: Request
) -> Response:
    """The order follows from the caller and the key: the same click, however often it is sent, makes one order."""
    record, was_seen = await resources.clicks.find_or_record(_click(body, caller.id, key))
    if was_seen:
        mark_replayed(request)
    outcome = await resources.checkouts.run(record)
    if not outcome.finished:
        return show_pending(request, outcome.order_id, FIRST_STATUS[body.payment_method])
    async with resources.database.transaction() as session:
        whole = await reading.one(session, outcome.order_id, viewer)
    if whole is None:
        return show_pending(request, outcome.order_id, FIRST_STATUS[body.payment_method])
    return show(request, whole, 201)


def _click(body: CheckoutBody, user_id: UUID, key: str) -> Click:
    expected = body.expected_total
    return Click(
        user_id=user_id,
        key=key,
        fingerprint=fingerprint_of(body.model_dump(mode="json", exclude_none=True)),
        payment_method=body.payment_method,
        payment_token=body.payment_token,
        address=body.shipping_address.model_dump() if body.shipping_address else None,
        address_id=body.shipping_address_id,
        notes=body.notes,
        expected_total=Money(expected.amount, expected.currency) if expected else None,
    )


@router.post(
    "/{order_id}/payment-attempts",
    status_code=201,
    operation_id="try_another_card",
    summary="Pay with another card after a failed 3-D Secure, while the hold lasts",
    response_model=OrderView,
    responses=problems(
        PaymentDeclined, PaymentTokenUnknown, PaymentRefused, NotAllowedInState, HoldExpired, OrderCancelled,
        s400="The Idempotency-Key is missing or malformed.",
        s404="There is no such order of yours that a card could pay.",
        s402="This card was declined too: the order still waits for another one while its hold lasts.",
        s409="The order does not wait for another card.",
    ),
)  # fmt: skip
async def try_another_card(
    order_id: UUID, body: CardBody, viewer: ViewerDep, key: KeyDep, resources: ResourcesDep, request: Request
) -> Response:
    await refuse_keys_of_the_cart(resources, viewer.user_id, key)
    async with resources.database.transaction() as session:
        whole = await reading.one(session, order_id, viewer)
        if whole is None or whole.order.user_id != viewer.user_id or whole.order.payment_method != PaymentMethod.CARD:
            raise NotFound("There is no such order of yours that a card could pay.")
        number, was_seen = await payments.record_attempt(
            session, order_id, key=key, fingerprint=fingerprint_of(body.model_dump()), token=body.payment_token
        )
        await idempotency.require_unused(session, viewer.user_id, key, but=Use.CARD)
    if was_seen:
        mark_replayed(request)
    await resources.checkouts.try_card(order_id, number)
    async with resources.database.transaction() as session:
        whole = await reading.one(session, order_id, viewer)
    if whole is None:
        raise NotFound("There is no such order.")
    return show(request, whole, 201)
