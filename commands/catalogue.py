"""`python -m commands.catalogue`: the catalogue from a file and into one, on the configured database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import DBAPIError, NoResultFound, ProgrammingError

from commands.catalogue_files import COMMAND_LINE, Imported, Report, export_file, import_file
from core.database import Database
from core.settings import get_settings
from domain.errors import Fact
from models.transfer import ImportRefusal
from services.transfer.entries import Format
from services.transfer.importing import Writer

SHOWN = 20
"""Refusals on the terminal; a report has all of them."""
SOME_REFUSED = 3
"""The exit code of an import that left products out. 1 is that of one that could not be made at all."""

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, no_args_is_help=True)
out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

CatalogueFile = Annotated[Path, typer.Argument(help="Its name ends in .csv, or in .jsonl or .ndjson.")]


@app.command("import")
def import_(
    file: CatalogueFile,
    report: Annotated[
        Path | None, typer.Option(help="Where to write what was refused and why: .csv or .jsonl.", show_default=False)
    ] = None,
    make_categories: Annotated[
        bool, typer.Option("--make-categories", help="Make those that are missing, named after their slugs.")
    ] = False,
) -> None:
    """Bring the products of a file into the catalogue.

    CSV has one row per variant and a header; JSON Lines has one product per line, as POST /products takes it. A product
    is known by its slug: it is made, or made to say what the file says. Products and variants that the file does not
    have are left alone, and `initial_stock` counts for new SKUs only.

    A file that cannot be read to its end is refused as a whole. A product that is not good is refused by itself, with
    its line, its field and the reason; the others are imported. Interrupted, the same command goes on where it stopped.

    Exit code 0: all imported. 3: some refused. 1: the file or the database could not be read.
    """
    form, told = _form(file), (report, _form(report)) if report else None
    if report and report.resolve() == file.resolve():
        _fail("The report would replace the file that it is about.")
    with _explained(f"{file} was not imported."), _bar("Products") as (progress, task):
        done = asyncio.run(_import(file, form, told, make_categories, progress, task))
    _tell(done, report)
    raise typer.Exit(SOME_REFUSED if done.refused else 0)


@app.command()
def export(file: CatalogueFile) -> None:
    """Write the whole catalogue, as it is at one instant, into a file that `import` takes.

    Drafts and archived products are in it; stock is not. A file that is there is replaced once the new one is complete.
    """
    form = _form(file)
    with _explained(f"{file} was not written."), _bar("Products") as (progress, task):
        products = asyncio.run(_export(file, form, progress, task))
    out.print(f"{products:,} products in {escape(str(file))}.", soft_wrap=True)


async def _import(
    file: Path, form: Format, report: Report | None, makes_categories: bool, progress: Progress, task: TaskID
) -> Imported:
    settings = get_settings()
    database = Database.from_settings(settings, "catalogue-import")
    try:
        return await import_file(
            database,
            file,
            form,
            Writer(COMMAND_LINE, settings.low_stock_threshold, makes_categories),
            report=report,
            moved=lambda done, total: progress.update(task, completed=done, total=total),
        )
    finally:
        await database.close()


async def _export(file: Path, form: Format, progress: Progress, task: TaskID) -> int:
    database = Database.from_settings(get_settings(), "catalogue-export")
    try:
        return await export_file(
            database, file, form, moved=lambda done, total: progress.update(task, completed=done, total=total)
        )
    finally:
        await database.close()


def _form(file: Path) -> Format:
    forms = {".csv": Format.CSV, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}
    if (form := forms.get(file.suffix.lower())) is None:
        _fail(f"{file} could be anything: its name has to end in .csv, .jsonl or .ndjson.")
    return form


def _tell(done: Imported, report: Path | None) -> None:
    for refusal in done.first_refusals[:SHOWN]:
        errors.print(escape(_sentence(refusal)), soft_wrap=True)
    if done.refused and report:
        errors.print(f"All of what was refused, and why: {escape(str(report))}", soft_wrap=True)
    elif len(done.first_refusals) > SHOWN:
        errors.print("… and more. Give it --report FILE to have all of them.")
    if done.resumed_after:
        out.print(f"Went on below line {done.resumed_after:,}, where an import of this file had stopped.")
    out.print(
        f"{done.products:,} products: {done.new:,} new, {done.changed:,} changed, {done.unchanged:,} unchanged, "
        f"{done.refused:,} refused."
    )


def _sentence(refusal: ImportRefusal) -> str:
    return f"Line {refusal.line}{f', {refusal.field}' if refusal.field else ''}: {refusal.reason}"


@contextmanager
def _bar(name: str) -> Iterator[tuple[Progress, TaskID]]:
    """On a terminal; elsewhere nothing, the summary is enough."""
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        yield progress, progress.add_task("", total=None)


@contextmanager
def _explained(outcome: str) -> Iterator[None]:
    """What can be wrong with the file or the surroundings, in one message that says what to do."""
    try:
        yield
    except KeyboardInterrupt:
        errors.print("Stopped. What was imported stays; the same command goes on from there.")
        raise typer.Exit(130) from None
    except Fact as fact:
        _fail(f"{outcome} {fact.detail}")
    except ValidationError as error:
        _fail(f"The settings are not good. {error}")
    except (ProgrammingError, NoResultFound) as error:
        _fail(f"The database does not have the shop's tables. Make them first: make migrate\n{_cause(error)}")
    except DBAPIError as error:
        _fail(f"The database refused. Run the same command again to go on.\n{_cause(error)}")
    except ConnectionError as error:
        _fail(f"{outcome} The database cannot be reached: see TILLWRIGHT_DATABASE_URL.\n{error}")
    except OSError as error:
        _fail(f"{outcome} {error.strerror or error}{f': {error.filename}' if error.filename else ''}")


def _cause(error: Exception) -> str:
    """What the database said, without the statement, which may be a page long."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


def _fail(message: str) -> NoReturn:
    errors.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m commands.catalogue")
