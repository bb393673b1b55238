"""A fact leaves an activity as a failure that is not retried and says what it knows; everything else is retried."""

from typing import Any

import pytest
import structlog
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.facts import FactsInterceptor
from domain.errors import KeyInUse, NotAllowedInState, OutOfStock
from domain.messages.checkout import OrderStep
from gateways.payments import ProviderUnavailable

LINES = [{"sku": "LAMP", "requested": 3, "available": 1}]


class Last(ActivityInboundInterceptor):
    """The end of the chain: raises or returns what it was given, and notes what the logs would say."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.bound: dict[str, Any] = {}

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.bound = structlog.contextvars.get_contextvars()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def through(last: Last, *arguments: object) -> Any:
    chain = FactsInterceptor().intercept_activity(last)
    input_ = ExecuteActivityInput(fn=print, args=arguments, executor=None, headers={})
    return await ActivityEnvironment().run(chain.execute_activity, input_)


@pytest.mark.parametrize(
    "fact",
    [
        OutOfStock("Not enough stock of LAMP.", lines=LINES),
        NotAllowedInState("No.", status="cancelled"),
        KeyInUse(),
    ],
)
async def test_a_fact_is_not_retried_and_keeps_its_code_and_what_it_knows(fact: OutOfStock) -> None:
    with pytest.raises(ApplicationError) as failure:
        await through(Last(fact), OrderStep("an order"))
    error = failure.value
    assert (error.type, error.message, error.non_retryable) == (fact.code, fact.detail, True)
    assert list(error.details) == [fact.facts]
    assert error.__cause__ is fact


@pytest.mark.parametrize("error", [ProviderUnavailable("away"), ConnectionError("lost"), ValueError("a bug")])
async def test_whatever_is_no_fact_passes_as_it_is_and_is_retried(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await through(Last(error), OrderStep("an order"))
    assert raised.value is error


async def test_a_result_passes_as_it_is() -> None:
    result = object()
    assert await through(Last(result), OrderStep("an order")) is result


async def test_the_logs_of_a_step_name_its_order_and_forget_it_afterwards() -> None:
    last = Last(None)
    await through(last, OrderStep("an order"))
    assert last.bound == {"order_id": "an order", "activity": "unknown", "attempt": 1}
    assert structlog.contextvars.get_contextvars() == {}
    await through(last)
    assert last.bound["order_id"] is None, "an activity without an argument is none of ours, and no reason to fail"
