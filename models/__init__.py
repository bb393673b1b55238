"""The tables. Importing this package registers all of them, which Alembic needs."""

from models import accounts, audit, catalogue, customers, idempotency, inventory, orders, payments, transfer

__all__ = ["accounts", "audit", "catalogue", "customers", "idempotency", "inventory", "orders", "payments", "transfer"]
