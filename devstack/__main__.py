"""`python -m devstack`: start, look at and reset the stack."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from devstack.servers import Postgres
from devstack.servers.ports import PortTaken
from devstack.servers.process import NotReady
from devstack.servers.wheels import WheelMissing
from devstack.settings import DevstackSettings
from devstack.stack import Stack, running_stack
from devstack.stack_lock import AlreadyRunning, holder
from devstack.stack_summary import print_status, print_summary
from devstack.supervisor import KeepsDying

app = typer.Typer(
    help="Postgres, Redis, Temporal, a sandbox payment provider, a mailbox, the worker and the API, supervised. "
    "Settings: TILLWRIGHT_DEV_* (.env.example).",
    no_args_is_help=True,
    add_completion=False,
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@app.command()
def up() -> None:
    """Start everything, print where it is, restart what dies. Ctrl-C stops everything."""
    _on_signals(_interrupt)
    began = time.monotonic()
    settings = DevstackSettings()
    stack = Stack(settings, tell=_tell, on_terminal=sys.stdout.isatty())
    try:
        stack.start()
        print_summary(console, settings, time.monotonic() - began)
        stack.supervise()
    except KeyboardInterrupt:
        _tell("Stopping …")
    except (AlreadyRunning, PortTaken, WheelMissing) as error:
        _stop(stack)
        _fail(str(error))
    except (KeepsDying, NotReady) as error:
        _stop(stack)
        _fail(f"{error}\nIf the state itself is broken, empty it: make reset")
    _stop(stack)
    _tell("Everything is stopped; the data stays.")


@app.command()
def status() -> None:
    """Show what runs. The exit code is 1 when no stack does."""
    settings = DevstackSettings()
    info = running_stack(settings)
    if info is None:
        starting = holder(settings.state_folder.resolve())
        _fail(f"The stack is starting or stopping (pid {starting})." if starting else "No stack runs. Start: make dev")
    print_status(console, info, settings.state_folder.resolve())


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="api, worker, sandbox, mailbox, postgres, redis, temporal or a step.")],
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")] = False,
) -> None:
    """Print the log of one child."""
    folder = DevstackSettings().state_folder.resolve() / "logs"
    log = folder / f"{name}.log"
    known = sorted(path.stem for path in folder.glob("*.log"))
    if name not in known:
        _fail(f"There is no log of “{name}”. There are: {', '.join(known) or 'none yet; start with make dev'}.")
    with log.open(errors="replace") as file:
        sys.stdout.writelines(file.readlines()[-lines:])
        try:
            while follow:
                sys.stdout.write(file.read())
                sys.stdout.flush()
                time.sleep(0.2)
        except KeyboardInterrupt:
            return


@app.command()
def reset() -> None:
    """Delete all state of the stack: databases, workflows, carts, logs. Refuses while it runs."""
    settings = DevstackSettings()
    folder = settings.state_folder.resolve()
    if pid := holder(folder):
        _fail(f"The stack runs (pid {pid}). Stop it first: kill {pid}")
    if not folder.exists():
        _tell(f"Nothing to delete: {folder} does not exist.")
        return
    if not (folder / "lock").exists():
        _fail(f"{folder} holds no stack, so it stays as it is.")
    try:
        own = settings
        Postgres(folder, host=own.host, port=own.postgres_port, password=own.password).remove()
    except WheelMissing as error:
        _fail(str(error))
    shutil.rmtree(folder)
    _tell(f"Deleted {folder}.")


def _stop(stack: Stack) -> None:
    """Deaf to a second Ctrl-C: the first one is being obeyed."""
    _on_signals(signal.SIG_IGN)
    stack.stop()


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(line: str) -> None:
    with suppress(OSError):  # a terminal that was closed is no reason to stop without order
        console.print(escape(line), soft_wrap=True)


def _fail(message: str) -> NoReturn:
    errors.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    raise typer.Exit(1)


def main() -> None:
    """The command line, with one message instead of a traceback where the settings cannot be right."""
    try:
        app(prog_name="python -m devstack")
    except ValidationError as error:
        found = [f"TILLWRIGHT_DEV_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        message = "\n".join(found)
    except OSError as error:
        where = "Choose another folder: TILLWRIGHT_DEV_STATE_FOLDER=/path/to/one make dev"
        message = f"The state folder cannot be used: {error}. {where}"
    errors.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
