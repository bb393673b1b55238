"""Imports of the catalogue from a file: how far each came, and what it refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel

from models.base import moment, uuid7_key, written_at


class CatalogueImport(SQLModel, table=True):
    """`position` is the line up to which all is settled: it moves in the transaction that writes these products."""

    __tablename__ = "catalogue_imports"
    __table_args__ = (Index("ix_catalogue_imports_unfinished", "sha256", postgresql_where=text("finished_at IS NULL")),)

    id: UUID = uuid7_key()
    sha256: str = Field(max_length=64)
    position: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    started_at: datetime = written_at()
    finished_at: datetime | None = moment()


class ImportRefusal(SQLModel, table=True):
    """Why a product of the file was not imported; one product may have several reasons. `line` is the file's."""

    __tablename__ = "import_refusals"

    id: int = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    import_id: UUID = Field(foreign_key="catalogue_imports.id", index=True)
    line: int
    field: str = Field(max_length=120)
    reason: str = Field(max_length=300)
