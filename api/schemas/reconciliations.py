"""Comparisons of a provider's journal with our books, as staff read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api.schemas.common import Page
from domain.messages.reconciliation import DifferenceKind
from models.payments import Reconciliation, ReconciliationDifference


class ReconciliationView(BaseModel):
    """Of intents made `since`. The counts are of intents, and stand once it is finished; `mended` of those `different`.

    What a workflow owns was told to it, and counts as mended: it shows again next time where that was of no use.
    """

    id: UUID
    provider: str
    since: datetime
    started_at: datetime
    finished_at: datetime | None
    compared: int
    different: int
    mended: int

    @classmethod
    def of(cls, reconciliation: Reconciliation) -> "ReconciliationView":
        return cls.model_validate(reconciliation, from_attributes=True)


class DifferenceView(BaseModel):
    """`ours` is empty where we know nothing of the intent, `theirs` where the provider does not. Minor units."""

    provider_ref: str
    order_id: UUID | None
    kind: DifferenceKind
    ours: dict[str, Any]
    theirs: dict[str, Any]
    mended: bool
    at: datetime

    @classmethod
    def of(cls, difference: ReconciliationDifference) -> "DifferenceView":
        return cls.model_validate(difference, from_attributes=True)


class ReconciliationPage(Page):
    items: list[ReconciliationView]


class ReconciliationReport(ReconciliationView, Page):
    """With a page of its differences, in the order in which they were found."""

    differences: list[DifferenceView]

    @classmethod
    def with_differences(
        cls, reconciliation: Reconciliation, found: Sequence[ReconciliationDifference], next_cursor: str | None
    ) -> "ReconciliationReport":
        return cls(
            **ReconciliationView.of(reconciliation).model_dump(),
            differences=[DifferenceView.of(difference) for difference in found],
            next_cursor=next_cursor,
        )
