"""`python -m devstack.verify`: the invariants of the running stack, as a table; exit code 1 where one does not hold."""

import asyncio
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.exit import finish
from devstack.demo.actors import DidNotHold, Person
from devstack.settings import DevstackSettings
from devstack.stack import running_stack
from devstack.stack_info import StackInfo

STAFF = "staff@example.com"
LOOKS = 5
"""An order in motion breaks invariants `at rest` for a moment: what counts is what is wrong at every look."""

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def api_client(info: StackInfo) -> httpx.AsyncClient:
    """The API of this stack; paths start after /api/v1."""
    return httpx.AsyncClient(base_url=f"http://{info.host}:{info.ports['api']}/api/v1", timeout=30)


async def lasting_violations(staff: Person) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the rows of the last look, those of them whose offenders were wrong at every look)"""
    wrong: dict[str, set[str]] | None = None
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(1)
        rows = (await staff.get("/ops/invariants"))["rows"]
        now = {row["name"]: set(row["offenders"]) for row in rows if row["violations"]}
        wrong = now if wrong is None else {name: wrong[name] & now[name] for name in wrong.keys() & now.keys()}
        wrong = {name: offenders for name, offenders in wrong.items() if offenders}
        if not wrong:
            break
    return rows, [row for row in rows if row["name"] in (wrong or {})]


def print_invariants(rows: list[dict[str, Any]], broken: list[dict[str, Any]]) -> None:
    table = Table("", "invariant", "checked", "violations", box=None, pad_edge=False)
    for row in rows:
        colour = "red" if row in broken else "green"
        count = f"[{colour}]{len(row['offenders']) if row in broken else 0}[/{colour}]"
        table.add_row(row["name"], escape(row["meaning"]), str(row["checked"]), count)
    console.print(table)
    for row in broken:
        errors.print(f"[red]{row['name']} does not hold for: {escape(', '.join(row['offenders']))}[/red]")


async def verify(info: StackInfo) -> bool:
    """Prints the table; True when everything holds."""
    async with api_client(info) as api:
        rows, broken = await lasting_violations(await Person.sign_in(api, STAFF))
    print_invariants(rows, broken)
    return not broken


def main() -> None:
    """Check the invariants of stock, money, orders and workflows in the stack that `make dev` runs."""
    info = running_stack(DevstackSettings())
    if info is None:
        errors.print("[red]No stack runs. Start it first: make dev[/red]")
        raise typer.Exit(1)
    try:
        holds = asyncio.run(verify(info))
    except (DidNotHold, httpx.HTTPError) as error:
        errors.print(f"[red]{escape(str(error) or type(error).__name__)}[/red]")
        raise typer.Exit(1) from None
    finish(0 if holds else 1)


if __name__ == "__main__":
    typer.run(main)
