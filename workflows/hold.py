"""The hold on an order's stock: a durable timer, which staff may move while it runs."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow


class Hold:
    """Calls `over` when its time has come, unless it is stopped before."""

    def __init__(self, over: Callable[[], None]) -> None:
        self.ends: datetime = workflow.now()
        self._over = over
        self._watch: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self._watch is not None and not self._watch.done()

    @property
    def left(self) -> timedelta:
        return max(self.ends - workflow.now(), timedelta(0))

    def begin(self) -> None:
        self._watch = asyncio.create_task(self._wait())

    def move(self, ends: datetime) -> None:
        self.stop()
        self.ends = ends
        self.begin()

    def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
            self._watch = None

    async def _wait(self) -> None:
        await workflow.sleep(self.left, summary="the hold on the stock ends")
        self._over()
