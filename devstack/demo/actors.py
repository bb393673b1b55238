"""Who plays in the story: shoppers, staff, the payment provider, and whoever sits at the `temporal` command."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import httpx

from devstack.demo.accounts import DEMO_PASSWORD
from devstack.servers.temporal import temporal_path

ADDRESS = {
    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "city": "Portland",
    "region": "OR", "postal_code": "97201", "country": "US",
}  # fmt: skip

PATIENCE = 60.0
"""Seconds that anything in the story may take, a worker's restart included."""


class DidNotHold(Exception):
    """The shop broke a promise of the story; the message says which."""


def require(condition: bool, promise: str) -> None:
    if not condition:
        raise DidNotHold(promise)


async def eventually(condition: Callable[[], Awaitable[bool]], promise: str) -> None:
    """Ask again and again; raises DidNotHold when it stays false for PATIENCE."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await condition():  # noqa: ASYNC110 — the shop is asked as a client asks
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DidNotHold(promise) from None


class Person:
    """Somebody signed in at the API."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def sign_in(cls, http: httpx.AsyncClient, email: str) -> Self:
        answer = await http.post("/auth/login", json={"email": email, "password": DEMO_PASSWORD})
        require(answer.status_code == 200, f"{email} can sign in, but: {answer.text}")
        return cls(http, answer.json()["access_token"])

    @classmethod
    async def newcomer(cls, http: httpx.AsyncClient, email: str) -> Self:
        """Registers first; a known address gets the same answer. Starts with no cart."""
        body = {"email": email, "password": DEMO_PASSWORD, "full_name": "Ada Shopper"}
        answer = await http.post("/auth/register", json=body)
        require(answer.status_code == 201, f"{email} can register, but: {answer.text}")
        person = await cls.sign_in(http, email)
        await person.call("DELETE", "/carts/current")
        return person

    async def call(self, method: str, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return await self._http.request(method, path, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        require(answer.is_success, f"GET {path} answers, but: {answer.text}")
        return answer.json()

    async def put_into_cart(self, sku: str, quantity: int = 1) -> None:
        answer = await self.call("POST", "/carts/items", {"sku": sku, "quantity": quantity})
        require(answer.status_code == 200, f"{sku} goes into the cart, but: {answer.text}")

    async def check_out(self, token: str | None = "pm_card_visa", key: str | None = None) -> httpx.Response:
        """By card with this token, or by cash on delivery without one."""
        by = {"payment_method": "card", "payment_token": token} if token else {"payment_method": "cod"}
        return await self.call("POST", "/orders/checkout", by | {"shipping_address": ADDRESS}, key or f"demo-{uuid4()}")


@dataclass
class Bank:
    """The sandbox provider, by its knobs and its own journal."""

    http: httpx.AsyncClient

    async def intents_of(self, order_id: str) -> list[dict[str, Any]]:
        journal = (await self.http.get("/_sandbox/journal")).json()
        return [intent for intent in journal["intents"] if intent["metadata"].get("order_id") == order_id]

    async def charges_of(self, order_id: str) -> list[dict[str, Any]]:
        return [charge for intent in await self.intents_of(order_id) for charge in intent["charges"]]

    async def set_fault(self, operation: str, kind: str, delay_seconds: float) -> None:
        fault = {"operation": operation, "kind": kind, "times": 1, "delay_seconds": delay_seconds}
        answer = await self.http.post("/_sandbox/faults", json=fault)
        require(answer.status_code == 201, f"the sandbox takes the fault, but: {answer.text}")


@dataclass
class TemporalCommand:
    """The `temporal` command, as staff would type it."""

    address: str

    async def signal(self, workflow_id: str, name: str, argument: object = None) -> str:
        """Sends it; returns the command as typed."""
        words = ["workflow", "signal", "--workflow-id", workflow_id, "--name", name]
        if argument is not None:
            words += ["--input", json.dumps(argument)]
        process = await asyncio.create_subprocess_exec(
            temporal_path(), *words, "--address", self.address,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        require(process.returncode == 0, f"the signal {name} arrives, but: {output.decode().strip()}")
        return f"temporal {' '.join(words)}"
