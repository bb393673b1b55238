"""`python -m devstack.migrations_check`: migrations on a throwaway Postgres, up, compared with the models, down, up.

With `--new NAME` it writes the next migration from what the models have and the migrations lack.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from devstack.servers import Postgres
from devstack.servers.ports import free_port
from devstack.servers.process import NotReady
from devstack.servers.wheels import WheelMissing
from devstack.stack_children import ROOT

HOST = "127.0.0.1"
ROUND_TRIP = (("upgrade", "head"), ("check",), ("downgrade", "base"), ("upgrade", "head"))

errors = Console(stderr=True, highlight=False)


class AlembicFailed(Exception):
    """The message quotes what alembic printed."""


def check(database_url: str) -> None:
    """Raises AlembicFailed where a step fails, or the models have what no migration makes."""
    for arguments in ROUND_TRIP:
        alembic(database_url, *arguments)
        print(f"alembic {' '.join(arguments)}: good", flush=True)


def write_new(database_url: str, name: str) -> None:
    alembic(database_url, "upgrade", "head")
    print(alembic(database_url, "revision", "--autogenerate", "-m", name).strip())


def alembic(database_url: str, *arguments: str) -> str:
    """What it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        env={**os.environ, "TILLWRIGHT_DATABASE_URL": database_url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode:
        raise AlembicFailed(f"alembic {' '.join(arguments)} failed:\n{output.strip()}")
    return output


def main(
    new: Annotated[str | None, typer.Option(help="Write a migration of this name instead of checking.")] = None,
) -> None:
    """Try every migration up and down on a throwaway Postgres, and compare the result with the models."""
    with tempfile.TemporaryDirectory(prefix="tillwright-migrations-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres may have to run as another user
        try:
            postgres = Postgres(Path(folder), host=HOST, port=free_port(HOST), password=token_hex())
            try:
                postgres.start()
                if new is None:
                    check(postgres.url)
                else:
                    write_new(postgres.url, new)
            finally:
                postgres.stop()
                postgres.remove()
        except (AlembicFailed, NotReady, WheelMissing) as error:
            errors.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
            raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
