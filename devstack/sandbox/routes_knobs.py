"""The sandbox's own paths, without a key: whoever reaches the port may turn the knobs, so it listens on loopback."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from devstack.sandbox import pages
from devstack.sandbox.faults import Fault
from devstack.sandbox.objects import Doc, shown
from devstack.sandbox.resources import Sandbox

router = APIRouter(prefix="/_sandbox")

SHOWN_INTENTS = 50


@router.get("")
async def overview(request: Request) -> HTMLResponse:
    """For humans: the newest intents, the tokens, the knobs that are set."""
    sandbox = _of(request)
    newest = sandbox.journal.older("payment_intent", limit=SHOWN_INTENTS)
    address = str(request.base_url).rstrip("/")
    return HTMLResponse(pages.overview(newest, sandbox.faults.waiting, sandbox.outbox.waiting(), address))


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/journal")
async def journal(request: Request) -> dict[str, Any]:
    """Every intent, oldest first, with its charges and refunds; and how many webhooks are on their way."""
    sandbox = _of(request)
    children: dict[tuple[str, str], list[Doc]] = {}
    for kind in ("charge", "refund"):
        for doc in reversed(sandbox.journal.older(kind)):
            children.setdefault((kind, doc["payment_intent"]), []).append(shown(doc))
    intents = [
        shown(intent)
        | {
            "charges": children.get(("charge", intent["id"]), []),
            "refunds": children.get(("refund", intent["id"]), []),
        }
        for intent in reversed(sandbox.journal.older("payment_intent"))
    ]
    return {"intents": intents, "undelivered": sandbox.outbox.waiting()}


@router.get("/faults")
async def list_faults(request: Request) -> list[Fault]:
    return _of(request).faults.waiting


@router.post("/faults", status_code=201)
async def add_fault(fault: Fault, request: Request) -> Fault:
    _of(request).faults.add(fault)
    return fault


@router.delete("/faults", status_code=204)
async def clear_faults(request: Request) -> None:
    sandbox = _of(request)
    sandbox.faults.clear()
    sandbox.outbox.news.set()  # a pause is over


@router.post("/intents/{intent_id}/approve")
async def approve(intent_id: str, request: Request) -> Doc:
    """What the button of the 3-D Secure page does, without a browser."""
    return _authenticate(request, intent_id, is_approved=True)


@router.post("/intents/{intent_id}/decline")
async def decline(intent_id: str, request: Request) -> Doc:
    return _authenticate(request, intent_id, is_approved=False)


@router.post("/refunds/{refund_id}/succeed")
async def succeed(refund_id: str, request: Request) -> Doc:
    """What the bank says in the end of a refund that is pending."""
    return _settle(request, refund_id, is_paid=True)


@router.post("/refunds/{refund_id}/fail")
async def fail(refund_id: str, request: Request) -> Doc:
    return _settle(request, refund_id, is_paid=False)


def _settle(request: Request, refund_id: str, *, is_paid: bool) -> Doc:
    sandbox = _of(request)
    with sandbox.journal.transaction():
        return shown(sandbox.refunds.settle(refund_id, is_paid=is_paid))


def _authenticate(request: Request, intent_id: str, *, is_approved: bool) -> Doc:
    sandbox = _of(request)
    with sandbox.journal.transaction():
        return shown(sandbox.intents.authenticate(sandbox.intents.load(intent_id), is_approved=is_approved))


def _of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox
