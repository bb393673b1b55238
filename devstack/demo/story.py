"""`python -m devstack.demo.story`: the checkout's story against the running stack, or one started for it."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from core.database import Database
from core.exit import finish
from devstack.demo.actors import Bank, DidNotHold, Person, TemporalCommand
from devstack.demo.scenes import SCENES
from devstack.demo.stage import Stage
from devstack.servers.ports import PortTaken
from devstack.servers.process import NotReady
from devstack.servers.wheels import WheelMissing
from devstack.settings import DevstackSettings
from devstack.stack import Stack, running_stack
from devstack.stack_info import StackInfo
from devstack.stack_lock import AlreadyRunning
from devstack.verify import STAFF, api_client, lasting_violations, print_invariants

console = Console(highlight=False)


def say(line: str) -> None:
    console.print(f"  {escape(line)}", soft_wrap=True)


@contextmanager
def stack_for(settings: DevstackSettings) -> Iterator[StackInfo]:
    """The stack that runs; where none does, one that is stopped at the end."""
    if info := running_stack(settings):
        yield info
        return
    console.print("No stack runs: starting one for the story.")
    with Stack(settings, tell=say) as stack:
        stack.supervise_in_background()
        info = running_stack(settings)
        if info is None:
            raise NotReady("The stack that was just started is not to be found.")
        yield info
    console.print("The stack is stopped; its data stays.")


def worker_pid(settings: DevstackSettings) -> int | None:
    info = running_stack(settings)
    return info.pids.get("worker") if info else None


async def play(info: StackInfo, settings: DevstackSettings) -> bool:
    """All scenes, whatever becomes of each; True when every promise held."""
    database = Database(settings.application_environment["TILLWRIGHT_DATABASE_URL"], application_name="demo")
    sandbox = httpx.AsyncClient(base_url=f"http://{info.host}:{info.ports['sandbox']}", timeout=30)
    try:
        async with api_client(info) as api, sandbox:
            stage = Stage(
                api=api,
                bank=Bank(sandbox),
                temporal=TemporalCommand(f"{info.host}:{info.ports['temporal']}"),
                database=database,
                staff=await Person.sign_in(api, STAFF),
                worker_pid=lambda: worker_pid(settings),
                say=say,
            )
            broken = [title for number, (title, _) in enumerate(SCENES, 1) if not await _play_scene(number, stage)]
            console.print(f"\n[bold]{len(SCENES) + 1}. Does everything add up?[/bold]")
            rows, violated = await lasting_violations(stage.staff)
            print_invariants(rows, violated)
    finally:
        await database.close()
    for title in broken:
        console.print(f"[red]Did not hold: {escape(title)}[/red]")
    return not broken and not violated


async def _play_scene(number: int, stage: Stage) -> bool:
    title, scene = SCENES[number - 1]
    console.print(f"\n[bold]{number}. {escape(title)}[/bold]")
    began = time.monotonic()
    try:
        await scene(stage)
    except (DidNotHold, httpx.HTTPError) as error:
        console.print(
            f"  [red]✗ It should hold that {escape(str(error) or type(error).__name__)}[/red]", soft_wrap=True
        )
        return False
    console.print(f"  [green]✓[/green] {time.monotonic() - began:.1f} s")
    return True


def main() -> None:
    """Play the story of the checkout: paid, declined, confirmed, rejected, raced for, clicked twenty times, killed.

    It uses the stack that `make dev` runs, or starts one and stops it again. The exit code is 1 when a promise broke.
    """
    settings = DevstackSettings()
    try:
        with stack_for(settings) as info:
            holds = asyncio.run(play(info, settings))
    except (AlreadyRunning, DidNotHold, NotReady, PortTaken, WheelMissing) as error:
        Console(stderr=True).print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(
        "[bold green]Everything held.[/bold green]" if holds else "[bold red]Something did not hold.[/bold red]"
    )
    sys.stdout.flush()
    finish(0 if holds else 1)


if __name__ == "__main__":
    typer.run(main)
