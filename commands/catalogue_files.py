"""An import from a file and an export into one, transaction by transaction."""

import csv
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson

from core.database import Database
from models.transfer import ImportRefusal
from services.audit import Actor
from services.transfer import exporting, importing
from services.transfer.drafting import batches
from services.transfer.entries import Format
from services.transfer.importing import Writer
from services.transfer.reading import look_over

REPORTED = ("line", "field", "reason")
COMMAND_LINE = Actor(None)

Report = tuple[Path, Format]
"""Where to write what was refused and why."""
Moved = Callable[[int, int], None]
"""Hears how many products are done, of how many."""


@dataclass(frozen=True)
class Imported:
    """`resumed_after` is the line that an earlier run came to; 0 when this one began at the top."""

    products: int
    new: int
    changed: int
    unchanged: int
    refused: int
    resumed_after: int
    first_refusals: Sequence[ImportRefusal]


async def import_file(
    database: Database,
    path: Path,
    form: Format,
    writer: Writer,
    *,
    report: Report | None = None,
    moved: Moved = lambda done, total: None,
) -> Imported:
    """Raises FileRefused before anything is written, and OSError for a file or a report that cannot be opened."""
    if report:
        report[0].touch()  # now, and not after an hour
    with path.open("rb") as file:
        outline = look_over(file, form)
        async with database.transaction() as session:
            import_id = await importing.unfinished(session, outline)
            import_id = import_id or await importing.begin(session, outline, writer.actor)
            before = await importing.state(session, import_id)
        done = before.new + before.changed + before.unchanged + before.refused
        moved(done, outline.products)
        for batch in batches(file, form, after=before.position):
            async with database.transaction() as session:
                await importing.write(session, import_id, batch, writer)
            done += batch.products
            moved(done, outline.products)
    async with database.transaction() as session:
        await importing.finish(session, import_id)
        after = await importing.state(session, import_id)
        first = await importing.refusals(session, import_id)
    async with database.transaction() as session:
        await importing.learn_sizes(session)
    if report:
        await _report(database, import_id, *report)
    return Imported(outline.products, after.new, after.changed, after.unchanged, after.refused, before.position, first)


async def _report(database: Database, import_id: UUID, path: Path, form: Format) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        if form is Format.CSV:
            table.writerow(REPORTED)
        async for refusal in _refusals(database, import_id):
            said = {name: getattr(refusal, name) for name in REPORTED}
            if form is Format.CSV:
                table.writerow(said.values())
            else:
                file.write(f"{orjson.dumps(said).decode()}\n")


async def _refusals(database: Database, import_id: UUID) -> AsyncIterator[ImportRefusal]:
    after = 0
    async with database.reading() as session:
        while page := await importing.refusals(session, import_id, after):
            for refusal in page:
                yield refusal
            after = page[-1].id


async def export_file(database: Database, path: Path, form: Format, *, moved: Moved = lambda done, total: None) -> int:
    """How many products there are. The file takes its name once it is complete."""
    part = path.with_name(f".{path.name}.part")
    done = 0
    try:
        with part.open("wb") as file:
            async with database.snapshot() as session:
                total = await exporting.count(session)
                async for products, content in exporting.export(session, form):
                    file.write(content)
                    done += products
                    moved(done, total)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return done
