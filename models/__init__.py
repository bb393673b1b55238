"""The tables. Importing this package registers all of them, which Alembic needs."""

from models import accounts, catalogue, idempotency, inventory, orders, payments

__all__ = ["accounts", "catalogue", "idempotency", "inventory", "orders", "payments"]
