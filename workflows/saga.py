"""A saga: every step registers its undo before it starts, and a failure runs them, the latest first."""

import asyncio
from collections.abc import Awaitable, Callable

Undo = Callable[[], Awaitable[bool]]
"""True when the step is undone, or never happened; False when it is too late to undo it."""


class Saga:
    def __init__(self) -> None:
        self._undos: list[Undo] = []

    def register(self, undo: Undo) -> None:
        """Call it before the step: a step that timed out may have happened."""
        self._undos.append(undo)

    async def roll_back(self) -> bool:
        """Run the undos, each to its end before the next. False when one came too late: the rest then stays done.

        It runs as a task of its own, because a second cancellation would break through a plain shield.
        """
        rollback = asyncio.create_task(self._undo_all())
        while not rollback.done():
            try:
                await asyncio.shield(rollback)
            except asyncio.CancelledError:
                continue
        return rollback.result()

    async def _undo_all(self) -> bool:
        while self._undos:
            if not await self._undos[-1]():
                return False
            self._undos.pop()
        return True
