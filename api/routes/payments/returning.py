"""Where the bank sends the shopper's browser after 3-D Secure."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from temporalio.service import RPCError

from api.dependencies import ReadingDep, ResourcesDep
from api.gate import PassedDep, asks
from api.policies import PUBLIC
from api.tokens import Caller
from domain.orders import PaymentStatus, checkout_workflow_id
from services import payments
from workflows.checkout import CheckoutWorkflow

router = APIRouter()

ONCE_IN = timedelta(seconds=10)
"""How often one payment's return is passed on: each has the provider asked, and a browser can be made to loop."""

PATIENCE = timedelta(seconds=2)

_REFERENCE = re.compile(r"[A-Za-z0-9_]{1,255}")


def _first_of_late(request: Request, caller: Caller | None) -> Sequence[str] | None:
    reference = request.query_params.get("payment_intent", "")
    if not _REFERENCE.fullmatch(reference):
        return None
    return ("SET", f"returned:{reference}", "1", "NX", "EX", str(int(ONCE_IN.total_seconds())))


@router.get(
    "/payments/return",
    operation_id="return_from_bank",
    summary="Where the bank sends the shopper after 3-D Secure: on to the order's page",
    status_code=303,
    response_class=RedirectResponse,
    dependencies=[PUBLIC],
)
@asks(_first_of_late)
async def return_from_bank(
    resources: ResourcesDep, session: ReadingDep, passed: PassedDep, payment_intent: str = ""
) -> RedirectResponse:
    """A hint to the checkout to ask the provider, and no more: nothing that the browser brings is believed."""
    store = resources.settings.store_url.rstrip("/")
    known = _REFERENCE.fullmatch(payment_intent) is not None
    payment = await payments.by_reference(session, resources.gateway.name, payment_intent) if known else None
    if payment is None:
        return RedirectResponse(f"{store}/", status_code=303)
    if payment.status == PaymentStatus.REQUIRES_ACTION and passed.reply:
        handle = resources.temporal.get_workflow_handle(checkout_workflow_id(payment.order_id))
        with suppress(RPCError):  # the webhook and the checkout's own questions do without it
            await handle.signal(CheckoutWorkflow.payment_news, rpc_timeout=PATIENCE)
    return RedirectResponse(f"{store}/orders/{payment.order_id}", status_code=303)
