"""The tables. Importing this package registers all of them, which Alembic needs."""

from models import (
    accounts,
    audit,
    catalogue,
    customers,
    fulfilment,
    idempotency,
    inventory,
    notifications,
    orders,
    payments,
    returns,
    transfer,
)

__all__ = [
    "accounts",
    "audit",
    "catalogue",
    "customers",
    "fulfilment",
    "idempotency",
    "inventory",
    "notifications",
    "orders",
    "payments",
    "returns",
    "transfer",
]
