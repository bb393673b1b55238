"""A request for each endpoint, by feature. Importing this package registers all of them, in the table's order."""

from tests.api.performance.cases import catalogue, carts, orders, inventory, accounts, customers, operations  # noqa: I001

__all__ = ["accounts", "carts", "catalogue", "customers", "inventory", "operations", "orders"]
