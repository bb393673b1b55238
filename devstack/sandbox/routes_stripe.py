"""Stripe's own paths: payment intents, charges, refunds, events."""

from fastapi import APIRouter, Response

from devstack.sandbox import errors
from devstack.sandbox.calls import Call, CallDep
from devstack.sandbox.faults import Operation
from devstack.sandbox.forms import Form
from devstack.sandbox.objects import Doc, new_intent
from devstack.sandbox.showing import page
from domain.money import EXPONENTS

router = APIRouter(prefix="/v1")

CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
REFUND_REASONS = CANCELLATION_REASONS[:3]


@router.post("/payment_intents")
async def create_intent(call: CallDep) -> Response:
    form = call.form
    new = new_intent(
        form.required_number("amount"),
        _currency(form),
        form.text("capture_method", ("manual", "automatic", "automatic_async")) or "automatic",
        form.mapping("metadata"),
        form.text("description"),
    )
    token, is_confirmed, return_url = form.text("payment_method"), form.flag("confirm"), _return_url(form)
    form.ignore("automatic_payment_methods", "payment_method_types")

    def work() -> Doc:
        intent = call.sandbox.intents.create(new, token)
        return call.sandbox.intents.confirm(intent, None, return_url) if is_confirmed else intent

    return await call.answer(Operation.CREATE, work, token=token if is_confirmed else None)


@router.get("/payment_intents")
async def list_intents(call: CallDep) -> Response:
    return await _list(call, "payment_intent", "/v1/payment_intents")


@router.get("/payment_intents/{intent_id}")
async def retrieve_intent(intent_id: str, call: CallDep) -> Response:
    call.form.ignore("client_secret")
    return await call.answer(Operation.RETRIEVE, lambda: call.sandbox.intents.load(intent_id))


@router.post("/payment_intents/{intent_id}/confirm")
async def confirm_intent(intent_id: str, call: CallDep) -> Response:
    intents, token, return_url = call.sandbox.intents, call.form.text("payment_method"), _return_url(call.form)
    used = token or intents.load(intent_id)["payment_method"]
    return await call.answer(
        Operation.CONFIRM,
        lambda: intents.confirm(intents.load(intent_id), token, return_url),
        token=used,
        subject=intent_id,
    )


@router.post("/payment_intents/{intent_id}/capture")
async def capture_intent(intent_id: str, call: CallDep) -> Response:
    intents, amount = call.sandbox.intents, call.form.number("amount_to_capture")
    return await call.answer(Operation.CAPTURE, lambda: intents.capture(intents.load(intent_id), amount))


@router.post("/payment_intents/{intent_id}/cancel")
async def cancel_intent(intent_id: str, call: CallDep) -> Response:
    intents, reason = call.sandbox.intents, call.form.text("cancellation_reason", CANCELLATION_REASONS)
    return await call.answer(Operation.CANCEL, lambda: intents.cancel(intents.load(intent_id), reason))


@router.get("/charges")
async def list_charges(call: CallDep) -> Response:
    return await _list(call, "charge", "/v1/charges")


@router.get("/charges/{charge_id}")
async def retrieve_charge(charge_id: str, call: CallDep) -> Response:
    return await _retrieve(call, "charge", charge_id)


@router.post("/refunds")
async def create_refund(call: CallDep) -> Response:
    form, refunds = call.form, call.sandbox.refunds
    intent_id, charge_id, amount = form.text("payment_intent"), form.text("charge"), form.number("amount")
    reason, metadata = form.text("reason", REFUND_REASONS), form.mapping("metadata")
    return await call.answer(
        Operation.REFUND,
        lambda: refunds.create(refunds.charge_of(intent_id, charge_id), amount, reason, metadata),
    )


@router.get("/refunds")
async def list_refunds(call: CallDep) -> Response:
    return await _list(call, "refund", "/v1/refunds")


@router.get("/refunds/{refund_id}")
async def retrieve_refund(refund_id: str, call: CallDep) -> Response:
    return await _retrieve(call, "refund", refund_id)


@router.get("/events")
async def list_events(call: CallDep) -> Response:
    return await _list(call, "event", "/v1/events")


@router.get("/events/{event_id}")
async def retrieve_event(event_id: str, call: CallDep) -> Response:
    return await _retrieve(call, "event", event_id)


async def _list(call: Call, kind: str, url: str) -> Response:
    found = page(call.sandbox.journal, kind, url, call.form)
    return await call.answer(Operation.LIST, lambda: found)


async def _retrieve(call: Call, kind: str, object_id: str) -> Response:
    def work() -> Doc:
        found = call.sandbox.journal.find(object_id, kind)
        if found is None:
            raise errors.no_such(kind, object_id, "id")
        return found

    return await call.answer(Operation.RETRIEVE, work)


def _currency(form: Form) -> str:
    currency = form.required_text("currency").lower()
    if currency.upper() not in EXPONENTS:
        raise errors.invalid("Invalid currency.", "currency")
    return currency


def _return_url(form: Form) -> str | None:
    """Only where a browser may be sent: never `javascript:` or the like."""
    url = form.text("return_url")
    if url is not None and not url.startswith(("http://", "https://")):
        raise errors.invalid("return_url must be an http or https address.", "return_url", "url_invalid")
    return url
