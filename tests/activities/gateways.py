"""Payment providers that are slow, or wrong, in one place."""

import asyncio
from dataclasses import replace
from uuid import UUID

from domain.money import Money
from gateways.payments import Intent, IntentStatus
from tests.fakes.payments import FakePayments


class SlowPayments(FakePayments):
    """Does its work, and keeps the answer to `operation` back until it is told to `answer`."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def create(self, order_id: UUID, amount: Money, attempt: int = 1) -> Intent:
        intent = await super().create(order_id, amount, attempt)
        await self._wait("create")
        return intent

    async def confirm(self, ref: str, order_id: UUID, attempt: int, token: str, return_url: str) -> Intent:
        await self._wait("confirm")
        return await super().confirm(ref, order_id, attempt, token, return_url)

    async def capture(self, ref: str, order_id: UUID) -> Intent:
        intent = await super().capture(ref, order_id)
        await self._wait("capture")
        return intent

    async def _wait(self, operation: str) -> None:
        if operation == self.operation:
            self.asked.set()
            await self.answer.wait()


def set_intent(gateway: FakePayments, order_id: UUID, **changes: object) -> None:
    """What somebody did at the provider behind our back."""
    ref = f"pi_{order_id.hex}"
    gateway.intents[ref] = replace(gateway.intents[ref], **changes)  # type: ignore[arg-type]


def intent_status(gateway: FakePayments, order_id: UUID) -> IntentStatus:
    return gateway.intents[f"pi_{order_id.hex}"].status
