"""`python -m devstack.demo.load`: put the demo catalogue and the demo accounts into the configured database."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy.exc import DBAPIError, NoResultFound, ProgrammingError

from core.database import Database
from core.settings import Environment, Settings, get_settings
from devstack.demo.accounts import DEMO_ACCOUNTS
from devstack.demo.catalogue import FILE, Catalogue, read_catalogue
from devstack.demo.loading import Loaded, load_accounts, load_catalogue
from domain.errors import SkuTaken

app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


async def load(database: Database, settings: Settings, catalogue: Catalogue) -> list[str]:
    """In one transaction, so that a failure leaves nothing half loaded; what is to be told of it, by line."""
    async with database.transaction() as session:
        with _progress(len(catalogue.products)) as advance:
            threshold = settings.low_stock_threshold
            loaded = await load_catalogue(session, catalogue, low_stock_threshold=threshold, advance=advance)
        lines = [_summary(loaded, catalogue)]
        if settings.environment is Environment.LOCAL:
            new = await load_accounts(session)
            lines.append(f"{len(DEMO_ACCOUNTS)} demo accounts: {new} new, {len(DEMO_ACCOUNTS) - new} there already.")
        else:
            lines.append(
                f"No demo accounts, because the environment is {settings.environment}: everybody knows their password, "
                "so they are made only where TILLWRIGHT_ENVIRONMENT is local."
            )
    return lines


@app.command()
def main(
    file: Annotated[Path, typer.Option(help="Another catalogue of the same form.", show_default=False)] = FILE,
) -> None:
    """Load the demo catalogue with its stock, and the demo accounts, into the database of TILLWRIGHT_DATABASE_URL.

    Loading it again changes nothing. After a change of the file, names, texts and prices follow it, and each product
    that changed gets the next version. Stock never follows: a SKU gets its opening stock once, with a row in the stock
    ledger, and from then on only orders and staff change it. What the file does not have is left alone.

    The accounts are made only where TILLWRIGHT_ENVIRONMENT is local. One that exists keeps its password.

    `make dev` does this by itself. By hand: `make migrate`, then `python -m devstack.demo.load`
    """
    try:
        catalogue = read_catalogue(file)
    except (OSError, ValidationError) as error:
        _fail(f"{file} is not a catalogue. {error}")
    with _explained():
        for line in asyncio.run(_connect_and_load(get_settings(), catalogue)):
            print(line)


async def _connect_and_load(settings: Settings, catalogue: Catalogue) -> list[str]:
    database = Database.from_settings(settings, "demo-catalogue")
    try:
        return await load(database, settings, catalogue)
    finally:
        await database.close()


@contextmanager
def _explained() -> Iterator[None]:
    """What can be wrong with the surroundings, in one message that says what to do."""
    try:
        yield
    except ValidationError as error:
        _fail(f"The settings are not good. {error}")
    except SkuTaken as error:
        _fail(f"Nothing was loaded. {error} Delete those products, or empty the local shop: make reset")
    except (ProgrammingError, NoResultFound) as error:
        _fail(f"The database does not have the shop's tables. Make them first: make migrate\n{_cause(error)}")
    except (OSError, DBAPIError) as error:
        _fail(
            f"The database cannot be reached. Start it with make dev, or set TILLWRIGHT_DATABASE_URL.\n{_cause(error)}"
        )


def _cause(error: Exception) -> str:
    """What the database said, without the statement, which may be a page long."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere nothing, the summary is enough."""
    columns = (TextColumn("Demo catalogue"), BarColumn(), MofNCompleteColumn(), TextColumn("products"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.advance(task, count)


def _summary(loaded: Loaded, catalogue: Catalogue) -> str:
    return (
        f"{len(catalogue.products)} products in {len(catalogue.categories)} categories: {loaded.new} new, "
        f"{loaded.changed} changed, {loaded.unchanged} unchanged. "
        f"{loaded.new_skus} new SKUs with {loaded.new_units:,} units."
    )


def _fail(message: str) -> NoReturn:
    errors.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m devstack.demo.load")
