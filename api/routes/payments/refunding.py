"""Giving money back."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import RequiredKeyedDep, mark_replayed
from api.policies import PaymentKeeperDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.payments import RefundBody, RefundView
from domain import money
from domain.errors import CancelInstead, CurrencyMismatch, NotAllowedInState, OverRefund, PaymentRefused

router = APIRouter()


@router.post(
    "/payments/{payment_id}/refunds",
    operation_id="refund_payment",
    summary="Give money back, all that is left without an `amount`",
    status_code=201,
    response_model=RefundView,
    responses=problems(
        CancelInstead,
        CurrencyMismatch,
        NotAllowedInState,
        OverRefund,
        PaymentRefused,
        s401=NOT_SIGNED_IN,
        s403="Only staff give money back.",
        s404="There is no such payment.",
        s409="It was not captured yet, has less left than that, or its order is to be cancelled instead.",
    ),
)
async def refund_payment(
    payment_id: UUID, body: RefundBody, staff: PaymentKeeperDep, actor: ActorDep, keyed: RequiredKeyedDep,
    resources: ResourcesDep, request: Request,
) -> Response:  # fmt: skip
    """`pending` where the provider takes its time: the refund goes on by itself, and its `Location` tells the rest."""
    amount = money.Money(body.amount.amount, body.amount.currency) if body.amount else None
    refund_id, was_seen = await resources.refunds.ask(payment_id, amount, body.reason, keyed, actor)
    if was_seen:
        mark_replayed(request)
    refund = await resources.refunds.finish(refund_id)
    location = f"{request.url.path.partition('/payments/')[0]}/refunds/{refund.id}"
    return json_response(RefundView.of(refund), 201, headers={"Location": location})
