"""Alembic runs migrations on the configured database, one transaction each, under a lock against a second runner."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine

import models
from core.settings import get_settings
from models.base import XID8, metadata

MIGRATION_LOCK = 7_041_776
"""Any number of our own: it keeps two deployments from migrating at once."""

_ = models
ischema_names["xid8"] = XID8


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.run_migrations()


async def main() -> None:
    engine = create_async_engine(get_settings().database_url.get_secret_value())
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database; --sql is not supported.")
asyncio.run(main())
