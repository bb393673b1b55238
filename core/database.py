"""Postgres: one engine per process, one transaction per request or activity."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import ExceptionContext, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from core.settings import Settings


class Database:
    """Hands out sessions. Build one per process and `close` it at the end."""

    def __init__(self, url: str, *, pool_size: int = 20, application_name: str = "tillwright") -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,
            pool_timeout=5,
            pool_recycle=1800,
            connect_args={
                "timeout": 5,
                "command_timeout": 30,
                "server_settings": {"application_name": application_name, "timezone": "UTC"},
            },
        )
        event.listen(self.engine.sync_engine, "handle_error", _forget_values)
        self._sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    def from_settings(cls, settings: Settings, application_name: str) -> "Database":
        return cls(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            application_name=application_name,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits at the end of the block, rolls back when it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Each query is a transaction of its own, and one round trip: no BEGIN, no COMMIT. Nothing is to be written."""
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Every read inside sees one and the same instant; nothing can be written."""
        async with self._sessions() as session, session.begin():
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            await session.execute(text("SET TRANSACTION READ ONLY"))
            yield session

    async def ping(self) -> None:
        async with self._sessions() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _forget_values(context: ExceptionContext) -> None:
    """Postgres quotes values in its errors, and whole rows in their DETAIL: both would reach logs and histories."""
    error: BaseException | None = context.original_exception
    is_about_a_value = isinstance(getattr(error, "__cause__", None), asyncpg.DataError)
    if context.sqlalchemy_exception is not None:
        _forget(context.sqlalchemy_exception, is_about_a_value)
    while error is not None:
        _forget(error, is_about_a_value)
        error = error.__cause__


def _forget(error: BaseException, is_about_a_value: bool) -> None:
    if getattr(error, "detail", None):
        error.detail = None  # type: ignore[attr-defined]
    if is_about_a_value:
        error.args = ("a value is not what its column or parameter can hold",)
    error.args = tuple(part.split("\nDETAIL:")[0] if isinstance(part, str) else part for part in error.args)
