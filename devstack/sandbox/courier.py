"""Delivers the outbox as signed webhooks, beside the answering of requests."""

import asyncio
import hmac
import time
from contextlib import suppress

import httpx

from devstack.sandbox.faults import Faults, Kind, Operation
from devstack.sandbox.outbox import Delivery, Outbox

AT_ONCE = 8
"""Intents delivered for at one time; the events of one intent always go one after another."""
PATIENCE = 10.0
"""Seconds that a receiver may take."""


def signature(payload: bytes, secret: str, at: int) -> str:
    """The header Stripe-Signature; `at` in seconds since the epoch."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, payload), "sha256").hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    def __init__(self, outbox: Outbox, faults: Faults, *, url: str, secret: str) -> None:
        self._outbox = outbox
        self._faults = faults
        self._url = url
        self._secret = secret
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Until it is cancelled; what was under way then is delivered again by the next process."""
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client, asyncio.TaskGroup() as deliveries:
            while True:
                self._outbox.news.clear()
                now = time.time()
                if not self._faults.is_paused:
                    for delivery in self._outbox.due(now, self._busy, AT_ONCE - len(self._busy)):
                        self._busy.add(delivery.intent_id)
                        deliveries.create_task(self._deliver(client, delivery))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._outbox.news.wait(), self._outbox.seconds_to_next(now))

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            await self._attempt(client, delivery)
        finally:
            self._busy.discard(delivery.intent_id)
            self._outbox.news.set()

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        fault = self._faults.take(Operation.WEBHOOK)
        kind = fault.kind if fault else None
        if fault and kind is Kind.REORDER:
            self._outbox.hold(delivery, fault.delay_seconds)
            return
        if fault and kind is Kind.SLOW:
            await asyncio.sleep(fault.delay_seconds)
        if kind is Kind.LOST or await self._post(client, delivery.payload):
            if kind is Kind.DUPLICATE:
                await self._post(client, delivery.payload)
            self._outbox.arrived(delivery)
        else:
            self._outbox.failed(delivery)

    async def _post(self, client: httpx.AsyncClient, payload: bytes) -> bool:
        """Whether it was taken."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self._secret, int(time.time())),
        }
        try:
            answer = await client.post(self._url, content=payload, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success
