"""What staff read about the shop as a whole."""

from datetime import datetime

from pydantic import BaseModel

from services.invariants import Finding


class InvariantRow(BaseModel):
    """`offenders` are ids, the first 20 of them."""

    name: str
    meaning: str
    checked: int
    violations: int
    offenders: list[str]

    @classmethod
    def of(cls, finding: Finding) -> "InvariantRow":
        return cls(**vars(finding))


class Invariants(BaseModel):
    at: datetime
    rows: list[InvariantRow]
