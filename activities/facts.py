"""Turns domain facts into failures that Temporal does not retry, in one place for all activities."""

from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.errors import Fact


class FactsInterceptor(Interceptor):
    """`Fact` → non-retryable ApplicationError(type=code, details=[facts]). Binds the order's id to the logs."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        order_id = getattr(input.args[0], "order_id", None) if input.args else None
        with structlog.contextvars.bound_contextvars(
            order_id=order_id, activity=info.activity_type, attempt=info.attempt
        ):
            try:
                return await super().execute_activity(input)
            except Fact as fact:
                raise ApplicationError(fact.detail, fact.facts, type=fact.code, non_retryable=True) from fact
