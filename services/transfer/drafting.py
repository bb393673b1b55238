"""Products of a file as drafts, by the rules of POST /products, in batches that are each one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from itertools import islice

from pydantic import ValidationError

from services.catalogue.drafts import ProductDraft
from services.transfer.entries import Entry, Format, Refusal
from services.transfer.reading import read

BATCH = 200
"""Products in one transaction."""
REASONS = 20
"""Told of one product at most."""


@dataclass
class Batch:
    """`after` and `position` are the lines where the last product before it, and its own last one, begin."""

    after: int
    position: int
    drafts: dict[int, ProductDraft] = field(default_factory=dict)
    """By line."""
    refused: dict[int, Sequence[Refusal]] = field(default_factory=dict)

    @property
    def products(self) -> int:
        return len(self.drafts) + len(self.refused)


def batches(file: BufferedIOBase, form: Format, *, after: int = 0) -> Iterator[Batch]:
    """Of the products that begin below this line. What stands above it is read too: a slug may stand there already."""
    new = (checked for checked in _checked(read(file, form)) if checked.line > after)
    while some := list(islice(new, BATCH)):
        batch = Batch(after, some[-1].line)
        for entry in some:
            draft = _draft(entry)
            if isinstance(draft, ProductDraft):
                batch.drafts[entry.line] = draft
            else:
                batch.refused[entry.line] = draft[:REASONS]
        yield batch
        after = batch.position


def _checked(entries: Iterator[Entry]) -> Iterator[Entry]:
    """With a refusal where a slug stands further up in the file: which of the two is meant?"""
    lines: dict[str, int] = {}
    for entry in entries:
        slug = entry.body.get("slug")
        first = lines.setdefault(slug, entry.line) if isinstance(slug, str) else entry.line
        if first == entry.line:
            yield entry
        else:
            reason = f"stands on line {first} already; the rows of a product stand together"
            yield replace(entry, refusals=[entry.refusal(("slug",), reason)])


def _draft(entry: Entry) -> ProductDraft | Sequence[Refusal]:
    if entry.refusals:
        return entry.refusals
    if not entry.body.get("slug"):
        return [entry.refusal(("slug",), "is missing: it tells an import which product is meant")]
    try:
        return ProductDraft.model_validate(entry.body)
    except ValidationError as error:
        return [
            entry.refusal(found["loc"], found["msg"].removeprefix("Value error, "))
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]
