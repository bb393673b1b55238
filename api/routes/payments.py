"""Payments, and the providers' webhooks."""

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import ReadingDep, ResourcesDep, ViewerDep
from api.gate import Kind, counts_as
from api.policies import SIGNED
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.payments import PaymentView
from domain.errors import NotFound, Unavailable
from domain.orders import checkout_workflow_id
from services import payments, webhooks
from workflows.checkout import CheckoutWorkflow

router = APIRouter(tags=["payments"])


@router.get(
    "/payments/{payment_id}",
    operation_id="get_payment",
    summary="One payment",
    response_model=PaymentView,
    responses=problems(s401=NOT_SIGNED_IN, s404="There is no such payment of yours."),
)
async def get_payment(payment_id: UUID, viewer: ViewerDep, session: ReadingDep) -> Response:
    return json_response(PaymentView.of(await payments.visible(session, payment_id, viewer)), is_tagged=True)


@router.post(
    "/webhooks/payments/{provider}",
    operation_id="receive_payment_webhook",
    summary="For the payment provider: signed, kept, then passed on",
    status_code=204,
    dependencies=[SIGNED],
    responses=problems(s400="The signature does not hold.", s404="There is no such provider."),
)
@counts_as(Kind.FREE)
async def receive_webhook(provider: str, request: Request, resources: ResourcesDep) -> Response:
    """Answers 2xx only once the news is kept and passed on: until then the provider delivers it again."""
    if provider != resources.gateway.name:
        raise NotFound("There is no such payment provider.")
    payload = await request.body()
    event = resources.gateway.verify_webhook(payload, request.headers.get("Stripe-Signature", ""))
    body: dict[str, Any] = orjson.loads(payload)
    async with resources.database.transaction() as session:
        is_due = await webhooks.keep(session, provider, event.event_id, event.type, event.order_id, body)
        is_waited_for = event.order_id is not None and await webhooks.is_waited_for(session, event.order_id)
        if is_due and not is_waited_for:
            await webhooks.mark_delivered(session, provider, event.event_id)
    if is_due and is_waited_for and event.order_id is not None:
        await _pass_on(resources.temporal, event.order_id)
        async with resources.database.transaction() as session:
            await webhooks.mark_delivered(session, provider, event.event_id)
    return Response(status_code=204)


async def _pass_on(temporal: Client, order_id: UUID) -> None:
    handle = temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
    try:
        await handle.signal(CheckoutWorkflow.payment_news)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:  # the checkout is over: nobody waits for the news
            raise Unavailable("Temporal does not answer.") from error
