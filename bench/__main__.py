"""`python -m bench`: load a catalogue of two sizes into a stack of its own, measure, print."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench import measures
from bench.shop import Imported, Shop, open_shop
from bench.timing import Taken

console = Console(highlight=False, width=110)
Measure = Callable[[Shop], Taken]

app = typer.Typer(rich_markup_mode="markdown", add_completion=False)


@app.command()
def main(
    small: Annotated[int, typer.Option(help="Products of the first catalogue.", min=100)] = 1_000,
    large: Annotated[int, typer.Option(help="Products of the second one.", min=100)] = 100_000,
    calls: Annotated[int, typer.Option(help="Reads and adds of each kind.", min=100)] = 500,
    checkouts: Annotated[int, typer.Option(help="Checkouts of each kind.", min=20)] = 64,
) -> None:
    """Measure search, catalogue, carts, checkout and import on servers of their own, through a real API process.

    Times depend on the machine; ratios within one run say something anywhere. With the defaults it takes some five
    minutes on two cores. Nothing of it stays.
    """
    folder = Path(tempfile.mkdtemp(prefix="tillwright-bench-"))
    try:
        with console.status("Starting the stack …") as status, open_shop(folder) as shop:
            run = Run(shop, calls, checkouts, lambda step: status.update(f"{step} …"))
            for table in (run.reading(small, large), run.buying(large), run.importing()):
                console.print(table)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Run:
    """One run: what it loaded so far, and its tables."""

    def __init__(self, shop: Shop, calls: int, checkouts: int, tell: Callable[[str], None]) -> None:
        self._shop, self._calls, self._checkouts, self._tell = shop, calls, checkouts, tell
        self._imports: list[tuple[Imported, float]] = []
        self._demo = shop.found()

    def reading(self, small: int, large: int) -> Table:
        """The same reads of two catalogues."""
        heads = [f"{size:,}: {percentile}" for size in (small, large) for percentile in ("p50", "p99")]
        table = _table("Reading one at a time, by the number of products; ms", "", *heads, "ratio of p50")
        self._load(0, small)
        few = self._reads(small)
        self._load(small, large)
        many = self._reads(large)
        for name, first in few.items():
            table.add_row(name, *_both(first), *_both(many[name]), f"{many[name].median / first.median:.2f}")
        return table

    def _load(self, start: int, end: int) -> None:
        self._tell(f"Importing {end - start:,} products")
        imported = self._shop.import_products(range(start, end))
        self._tell("Waiting for the search index")
        self._imports.append((imported, self._shop.wait_until_found(self._demo + end)))

    def _reads(self, products: int) -> dict[str, Taken]:
        self._tell(f"Reading {products:,} products")
        return {
            "search page of 20 with facets": measures.searches(self._shop, self._calls),
            "list of a category": measures.lists(self._shop, self._calls),
            "product": measures.details(self._shop, self._calls, products),
        }

    def buying(self, products: int) -> Table:
        """One shopper at a time, then many."""
        heads = [f"{shoppers}: {percentile}" for shoppers in (1, measures.SHOPPERS) for percentile in ("p50", "p99")]
        table = _table("Buying, by the number of shoppers at once; ms", "", *heads, "per second")
        calls, checkouts = self._calls, self._checkouts
        steps: dict[str, tuple[Measure, Measure]] = {
            "product": (
                partial(measures.details, count=calls, products=products),
                partial(measures.details_at_once, count=calls * 2, products=products),
            ),
            "add to a cart": (partial(measures.adds, count=calls), partial(measures.adds_at_once, count=calls)),
        }
        for name, body in (("checkout by card", measures.CARD), ("checkout COD", measures.COD)):
            steps[name] = (
                partial(measures.checkouts, count=checkouts, body=body),
                partial(measures.checkouts_at_once, count=checkouts, body=body),
            )
        for name, (alone, together) in steps.items():
            self._tell(f"Measuring: {name}")
            first, second = alone(self._shop), together(self._shop)
            table.add_row(name, *_both(first), *_both(second), f"{second.per_second:,.0f}")
        return table

    def importing(self) -> Table:
        heads = ("s", "products a second", "peak MiB", "s until search found the last")
        table = _table("Importing", "products", *heads)
        for done, lag in self._imports:
            speed = f"{done.products / done.seconds:,.0f}"
            table.add_row(f"{done.products:,}", f"{done.seconds:.1f}", speed, f"{done.peak:.0f}", f"{lag:.1f}")
        return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(first)
    for head in others:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _both(taken: Taken) -> tuple[str, str]:
    return f"{taken.median:.1f}", f"{taken.percentile(99):.1f}"


if __name__ == "__main__":
    app(prog_name="python -m bench")
