"""Activities as a worker runs them, one attempt at a time, without a server in between."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from temporalio.testing import ActivityEnvironment

from activities.carts import CartActivities
from activities.inventory import InventoryActivities
from activities.orders import OrderActivities
from activities.payments import PaymentActivities
from core.database import Database
from core.settings import Settings
from services.carts import CartStore
from tests.fakes.payments import FakePayments

Step = TypeVar("Step")
Result = TypeVar("Result")

RETURN_URL = "http://shop.test/back"


async def run(activity: Callable[[Step], Awaitable[Result]], step: Step, *, attempt: int = 1) -> Result:
    """One attempt at this activity."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_type=activity.__name__, attempt=attempt)
    return await environment.run(activity, step)


@pytest.fixture
def orders(database: Database, settings: Settings) -> OrderActivities:
    return OrderActivities(database, settings)


@pytest.fixture
def stock(database: Database) -> InventoryActivities:
    return InventoryActivities(database)


@pytest.fixture
def payments(database: Database, gateway: FakePayments) -> PaymentActivities:
    return PaymentActivities(database, gateway, RETURN_URL)


@pytest.fixture
def cart_lines(database: Database, carts: CartStore) -> CartActivities:
    return CartActivities(database, carts)
