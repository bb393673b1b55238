"""The real sandbox payment provider as a process of a test's own, and somebody who takes its webhooks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from core.settings import DEFAULT_STRIPE_KEY, DEFAULT_WEBHOOK_SECRET
from devstack.servers.ports import free_port
from devstack.stack_children import Service, answers_200
from gateways.stripe_payments import StripePayments

HOST = "127.0.0.1"
INTENTS = "/v1/payment_intents"
NEW = {"amount": "1999", "currency": "usd", "capture_method": "manual"}
PATIENCE = 20.0
"""Seconds that a test waits for something that is to happen."""


class SandboxServer:
    """`python -m devstack.sandbox` with its journal in `folder`. Start it on the thread that outlives it."""

    def __init__(self, folder: Path, *, webhook_url: str = "none", webhook_events: str = "") -> None:
        """`webhook_events`: the types that are delivered, with commas between them; all without it."""
        self.port = free_port(HOST)
        self.base = f"http://{HOST}:{self.port}"
        self.api_key, self.webhook_secret = DEFAULT_STRIPE_KEY, DEFAULT_WEBHOOK_SECRET
        environment = {
            "TILLWRIGHT_DEV_HOST": HOST,
            "TILLWRIGHT_DEV_SANDBOX_PORT": str(self.port),
            "TILLWRIGHT_DEV_STATE_FOLDER": str(folder),
            "TILLWRIGHT_DEV_STRIPE_API_KEY": self.api_key,
            "TILLWRIGHT_DEV_STRIPE_WEBHOOK_SECRET": self.webhook_secret,
        }
        self.process = Service(
            "sandbox",
            ["-m", "devstack.sandbox", "--webhook-url", webhook_url, "--webhook-events", webhook_events],
            log=folder / "sandbox.log",
            environment=environment,
            is_ready=answers_200(HOST, self.port, "/_sandbox/health"),
        )

    def start(self) -> None:
        """Returns when it answers."""
        self.process.start()

    def stop(self) -> None:
        self.process.stop()

    def kill9(self) -> None:
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def payments(self, *, timeout: float = 20.0) -> StripePayments:
        """The shop's own adapter, pointed here. The caller closes it."""
        return StripePayments(self.api_key, base=self.base, webhook_secrets=[self.webhook_secret], timeout=timeout)

    def api(self) -> httpx.AsyncClient:
        """Signed in, for requests as they are on the wire. The caller closes it."""
        return httpx.AsyncClient(base_url=self.base, headers={"Authorization": f"Bearer {self.api_key}"}, timeout=20)

    def fault(self, operation: str, kind: str, *, times: int | None = 1, delay_seconds: float = 3) -> None:
        knob = {"operation": operation, "kind": kind, "times": times, "delay_seconds": delay_seconds}
        httpx.post(f"{self.base}/_sandbox/faults", json=knob).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.base}/_sandbox/faults").raise_for_status().json()
        return found

    def clear_faults(self) -> None:
        httpx.delete(f"{self.base}/_sandbox/faults").raise_for_status()

    def approve(self, intent_id: str) -> None:
        """The shopper passes 3-D Secure."""
        httpx.post(f"{self.base}/_sandbox/intents/{intent_id}/approve").raise_for_status()

    def decline(self, intent_id: str) -> None:
        httpx.post(f"{self.base}/_sandbox/intents/{intent_id}/decline").raise_for_status()

    def settle_refund(self, refund_id: str, *, is_paid: bool) -> None:
        """What the bank says in the end of a refund that was left pending."""
        path = f"/_sandbox/refunds/{refund_id}/{'succeed' if is_paid else 'fail'}"
        httpx.post(f"{self.base}{path}").raise_for_status()

    def journal(self) -> list[dict[str, Any]]:
        """Every intent, oldest first, each with its `charges` and `refunds`."""
        found: list[dict[str, Any]] = self._books()["intents"]
        return found

    def intent(self, intent_id: str) -> dict[str, Any]:
        return next(intent for intent in self.journal() if intent["id"] == intent_id)

    def undelivered(self) -> int:
        """Webhooks on their way."""
        return int(self._books()["undelivered"])

    def wait_delivered(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while left := self.undelivered():
            assert time.monotonic() < deadline, f"{left} webhooks are still on their way"
            time.sleep(0.02)

    def _books(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.base}/_sandbox/journal").raise_for_status().json()
        return found


@contextmanager
def running_sandbox(folder: Path, *, webhook_url: str = "none", webhook_events: str = "") -> Iterator[SandboxServer]:
    server = SandboxServer(folder, webhook_url=webhook_url, webhook_events=webhook_events)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class WebhookInbox:
    """Takes webhooks over HTTP. `answers` are the statuses that the next ones get, 200 when there are none."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[bytes, str]] = []
        """Body and signature, those that were refused included."""
        self._changed = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(inbox._take(body, self.headers["Stripe-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}/webhooks"

    @contextmanager
    def listening(self) -> Iterator["WebhookInbox"]:
        threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.received]

    def wait_until(self, is_there: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(is_there, PATIENCE), self.types

    def wait_for(self, count: int) -> None:
        """Until so many have come in all."""
        self.wait_until(lambda: len(self.received) >= count)

    def _take(self, body: bytes, signature: str) -> int:
        with self._changed:
            self.received.append((body, signature))
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 200
