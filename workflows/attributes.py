"""The search attributes that staff find orders by, as `core.temporal.SEARCH_ATTRIBUTES` registers them."""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

ORDER_ID = SearchAttributeKey.for_keyword("OrderId")
ORDER_NUMBER = SearchAttributeKey.for_keyword("OrderNumber")
ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
PAYMENT_METHOD = SearchAttributeKey.for_keyword("PaymentMethod")
WAITING_FOR = SearchAttributeKey.for_keyword("WaitingFor")
STUCK_STEP = SearchAttributeKey.for_keyword("StuckStep")


def upsert(*updates: SearchAttributeUpdate[Any]) -> None:
    workflow.upsert_search_attributes(updates)
