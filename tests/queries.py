"""Counting what is asked of Postgres, so that a test can say that a list costs the same whatever its length."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from core.database import Database


@contextmanager
def counted_queries(database: Database) -> Iterator[list[str]]:
    """The statements that this process sends meanwhile, as they are sent. BEGIN and COMMIT are not among them."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
