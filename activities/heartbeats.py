"""Heartbeats for every regular activity, so that the server notices within seconds when a worker died in one."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

BEAT_EVERY = timedelta(seconds=1)
"""Far below the heartbeat timeout of workflows/options.py: a busy event loop must not look like a dead worker."""


class HeartbeatInterceptor(Interceptor):
    """Beats as long as the activity runs. A cancellation reaches the activity by the answer to a beat."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if not activity.info().heartbeat_timeout:  # a local one
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat())
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat() -> None:
    while True:
        await asyncio.sleep(BEAT_EVERY.total_seconds())
        activity.heartbeat()
