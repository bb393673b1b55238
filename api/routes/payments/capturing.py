"""Taking money that was set aside."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.captures import Captures
from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import RequiredKeyedDep, mark_replayed
from api.policies import PaymentKeeperDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, Nothing, problems
from api.schemas.payments import PaymentView
from domain.errors import NotAllowedInState, PaymentRefused
from domain.orders import MONEY_TAKEN

router = APIRouter()


@router.post(
    "/payments/{payment_id}/capture",
    operation_id="capture_payment",
    summary="Take the money now: where it waits for the shipping, or its capture is stuck",
    response_model=PaymentView,
    responses={
        202: {"model": PaymentView, "description": "The provider takes its time: look again at `Location`."},
        **problems(
            NotAllowedInState,
            PaymentRefused,
            s401=NOT_SIGNED_IN,
            s403="Only staff take money.",
            s404="There is no such payment.",
            s409="No money of this payment is set aside.",
        ),
    },
)
async def capture_payment(
    payment_id: UUID, staff: PaymentKeeperDep, actor: ActorDep, keyed: RequiredKeyedDep,
    resources: ResourcesDep, request: Request, body: Nothing | None = None,
) -> Response:  # fmt: skip
    captures = Captures(resources.database, resources.temporal, resources.fulfilments)
    if await captures.capture(payment_id, keyed, actor):
        mark_replayed(request)
    payment = await captures.result(payment_id)
    if payment.status in MONEY_TAKEN:
        return json_response(PaymentView.of(payment), is_tagged=True)
    headers = {"Location": request.url.path.removesuffix("/capture"), "Retry-After": "1"}
    return json_response(PaymentView.of(payment), 202, headers=headers)
