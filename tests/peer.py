"""Somebody else's Stripe, `localstripe`, as a process of its own: what our sandbox and our adapter agree on by mistake
shows here.

It is older than the API that the adapter speaks. `Interpreter` stands between the two and adds what Stripe documents
and the peer lacks, and nothing else.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from core.settings import DEFAULT_STRIPE_KEY, DEFAULT_WEBHOOK_SECRET
from devstack.servers.ports import free_port
from devstack.servers.process import Process
from gateways.stripe_payments import StripePayments

PYTHON = Path(__file__).parent.parent / ".venv" / "peer" / "bin" / "python"

LAUNCH = """
import builtins, os, runpy
really_open = builtins.open
def open(path, *rest, **named):
    return really_open(os.devnull if path == "/tmp/localstripe.pickle" else path, *rest, **named)
builtins.open = open
runpy.run_module("localstripe", run_name="__main__", alter_sys=True)
"""
"""It keeps its state in one file for all users of a machine, and knows no option for that: here it keeps none."""

Doc = dict[str, Any]


class Peer:
    """The adapter, and a test's own requests, go through `base`; the peer itself is at `own_base`."""

    api_key, webhook_secret = DEFAULT_STRIPE_KEY, DEFAULT_WEBHOOK_SECRET

    def __init__(self, own_base: str, base: str) -> None:
        self.base = base
        self._direct = httpx.Client(base_url=own_base, headers={"Authorization": f"Bearer {self.api_key}"}, timeout=20)

    def payments(self) -> StripePayments:
        """The shop's own adapter. The caller closes it."""
        return StripePayments(self.api_key, base=self.base, webhook_secrets=[self.webhook_secret])

    def send_webhooks_to(self, url: str) -> None:
        self._direct.post(
            "/_config/webhooks/tests", json={"url": url, "secret": self.webhook_secret}
        ).raise_for_status()

    def card(self, number: str) -> str:
        """The token of one of Stripe's test cards, where it has none by name."""
        card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        return str(self._ask("/v1/payment_methods", {"type": "card", "card": card})["id"])

    def authenticate(self, ref: str, *, success: bool) -> None:
        """The shopper at the bank."""
        secret = self._direct.get(f"/v1/payment_intents/{ref}").raise_for_status().json()["client_secret"]
        self._ask(f"/v1/payment_intents/{ref}/_authenticate", {"client_secret": secret, "success": success})

    def _ask(self, path: str, body: Doc) -> Doc:
        answer: Doc = self._direct.post(path, json=body).raise_for_status().json()
        return answer


class Interpreter:
    def __init__(self, own_base: str, api_key: str) -> None:
        self._peer = httpx.Client(base_url=own_base, headers={"Authorization": f"Bearer {api_key}"}, timeout=20)

    def pass_on(self, method: str, target: str, form: dict[str, str]) -> tuple[int, Doc]:
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        if path.endswith("/confirm"):
            self._choose_card(path.removesuffix("/confirm"), form)
        query.pop("created[gte]", None)  # it lists all there is
        answer = self._peer.request(method, path, params=query, data=form or None)
        found: Doc = answer.json()
        if answer.status_code == HTTPStatus.BAD_REQUEST and path.endswith(("/confirm", "/capture", "/cancel")):
            found["error"].setdefault("code", "payment_intent_unexpected_state")  # which it refuses without saying why
        for intent in found.get("data", [found]):
            self._count_money(intent)
        return answer.status_code, found

    def _choose_card(self, intent: str, form: dict[str, str]) -> None:
        """It takes the card by a request of its own, and no address to come back to."""
        form.pop("return_url", None)
        card = form.pop("payment_method", None)
        stands = self._peer.get(intent).json().get("status")
        if card and stands in ("requires_payment_method", "requires_confirmation"):
            self._peer.post(intent, data={"payment_method": card}).raise_for_status()

    def _count_money(self, intent: Doc) -> None:
        """It says whether a charge was captured, and not how much of it."""
        if intent.get("object") != "payment_intent":
            return
        charge = intent.get("latest_charge")
        taken = charge["amount"] if charge and charge["captured"] and charge["status"] == "succeeded" else 0
        intent["amount_received"] = taken
        if charge:
            charge["amount_captured"] = taken


@contextmanager
def running_peer(folder: Path) -> Iterator[Peer]:
    """Raises AssertionError where it was not installed."""
    assert PYTHON.exists(), f"localstripe is not in {PYTHON.parent.parent}: `make test` installs it before the tests"
    port = free_port()
    process = Process("localstripe", [PYTHON, "-c", LAUNCH, "--from-scratch", "--port", str(port)], log=folder / "log")
    own_base = f"http://127.0.0.1:{port}"
    process.start()
    try:
        process.wait_ready(lambda: _answers(own_base))
        with _interpreting(Interpreter(own_base, Peer.api_key)) as base:
            yield Peer(own_base, base)
    finally:
        process.kill()  # it keeps nothing


def _answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/v1/refunds").status_code == HTTPStatus.UNAUTHORIZED
    except httpx.TransportError:
        return False


@contextmanager
def _interpreting(interpreter: Interpreter) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(dict(parse_qsl(body.decode())))

        def _answer(self, form: dict[str, str]) -> None:
            status, found = interpreter.pass_on(self.command, self.path, form)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
