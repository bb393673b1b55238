"""The 3-D Secure page: the bank of the sandbox asks, and sends the browser back to the shop."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from devstack.sandbox import pages
from devstack.sandbox.objects import Doc
from devstack.sandbox.resources import BANK_PATH, Sandbox

router = APIRouter(prefix=BANK_PATH)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@router.get("/{intent_id}/{asking}")
async def ask(intent_id: str, asking: str, request: Request) -> Response:
    intent = _asked(request, intent_id, asking)
    if intent is None:
        return _nothing_here()
    if not _is_open(intent, asking):
        return _too_late(intent)
    return HTMLResponse(pages.asking(intent), headers=HEADERS)


@router.post("/{intent_id}/{asking}")
async def decide(intent_id: str, asking: str, request: Request) -> Response:
    decision = dict(parse_qsl((await request.body()).decode(errors="replace"))).get("decision")
    sandbox: Sandbox = request.app.state.sandbox
    with sandbox.journal.transaction():
        intent = _asked(request, intent_id, asking)
        if intent is None or decision not in ("approve", "decline"):
            return _nothing_here()
        if not _is_open(intent, asking):
            return _too_late(intent)
        sandbox.intents.authenticate(intent, is_approved=decision == "approve")
    if back := _way_back(intent):
        return RedirectResponse(back, 303, HEADERS)
    outcome = "The payment is approved." if decision == "approve" else "The payment is declined."
    return HTMLResponse(pages.message("Thank you", f"{outcome} You can close this page."), headers=HEADERS)


def _asked(request: Request, intent_id: str, asking: str) -> Doc | None:
    """The intent, where the bank ever asked so for it or for one of its later attempts."""
    sandbox: Sandbox = request.app.state.sandbox
    intent = sandbox.journal.find(intent_id, "payment_intent")
    return intent if intent and asking in intent.get("_askings", ()) else None


def _is_open(intent: Doc, asking: str) -> bool:
    return bool(intent["status"] == "requires_action" and intent["_askings"][-1] == asking)


def _way_back(intent: Doc) -> str | None:
    """The shop's return_url, with what Stripe adds to it."""
    if intent["_return_url"] is None:
        return None
    is_paid = intent["status"] in ("requires_capture", "succeeded")
    added = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if is_paid else "failed",
    }
    parts = urlsplit(intent["_return_url"])
    query = f"{parts.query}&{urlencode(added)}" if parts.query else urlencode(added)
    return urlunsplit(parts._replace(query=query))


def _too_late(intent: Doc) -> Response:
    text = (
        "This request was answered before, or the payment was called off meanwhile. There is nothing left to do here."
    )
    page = pages.message("Nothing left to do", text, _way_back(intent))
    return HTMLResponse(page, 410, HEADERS)


def _nothing_here() -> Response:
    page = pages.message("Nothing here", "The bank has no such request. Please go back to the shop.")
    return HTMLResponse(page, 404, HEADERS)
