"""What the tables share: key and time columns, and the names of constraints that Alembic can rely on."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, MetaData, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

metadata = SQLModel.metadata


class XID8(UserDefinedType[str]):
    """A transaction id that never wraps around, as text to Python."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


def uuid7_key() -> Any:
    """A primary key that Postgres makes, ordered by time (uuidv7)."""
    return Field(
        default=None,
        sa_column=Column(postgresql.UUID(as_uuid=True), primary_key=True, server_default=text("uuidv7()")),
    )


def written_at() -> Any:
    """When the row was written: the transaction's time, with zone."""
    return Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )


def touched_at() -> Any:
    """When the row was last changed: that transaction's time, with zone. Read it by a query after a change."""
    column = Column(DateTime(timezone=True), nullable=False, server_default=text("now()"), onupdate=text("now()"))
    return Field(default=None, sa_column=column)


def moment(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable))


def minor_units(*, default: int | None = None) -> Any:
    """An amount of money in minor units; its currency stands in a column of the same row."""
    server_default = None if default is None else text(str(default))
    column = Column(BigInteger, nullable=False, server_default=server_default)
    return Field(sa_column=column) if default is None else Field(default=default, sa_column=column)


def document(*, nullable: bool = False, default: str | None = None) -> Any:
    """A JSONB column."""
    server_default = None if default is None else text(f"'{default}'::jsonb")
    return Field(default=None, sa_column=Column(postgresql.JSONB, nullable=nullable, server_default=server_default))


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")
