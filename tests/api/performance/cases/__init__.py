"""A request for each endpoint, by feature. Importing this package registers all of them, in the table's order."""

from tests.api.performance.cases import (  # noqa: I001
    catalogue, carts, orders, fulfilment, payments, returns, inventory, accounts, customers, operations, steering,
    notifications, live,
)  # fmt: skip

__all__ = [
    "accounts",
    "carts",
    "catalogue",
    "customers",
    "fulfilment",
    "inventory",
    "live",
    "notifications",
    "operations",
    "orders",
    "payments",
    "returns",
    "steering",
]
