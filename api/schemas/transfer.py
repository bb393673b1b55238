"""What an import of the catalogue came to."""

from uuid import UUID

from pydantic import BaseModel, Field

from models.transfer import CatalogueImport, ImportRefusal
from services.transfer.importing import PAGE


class RefusalView(BaseModel):
    """`field` is a column of the CSV or a path in the line of JSON; empty when it is about all of the product."""

    line: int
    field: str
    reason: str


class ImportReport(BaseModel):
    """Each product of the file is new, changed, unchanged or refused."""

    id: UUID
    products: int
    new: int
    changed: int
    unchanged: int
    refused: int
    refusals: list[RefusalView] = Field(description=f"Why, in the order of the file: the first {PAGE:,} reasons.")

    @classmethod
    def of(cls, done: CatalogueImport, refusals: list[ImportRefusal]) -> "ImportReport":
        return cls(
            id=done.id,
            products=done.new + done.changed + done.unchanged + done.refused,
            new=done.new,
            changed=done.changed,
            unchanged=done.unchanged,
            refused=done.refused,
            refusals=[RefusalView(line=one.line, field=one.field, reason=one.reason) for one in refusals],
        )
