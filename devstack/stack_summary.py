"""What a person wants to see of a stack: addresses, accounts, what to try next."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from devstack.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from devstack.settings import DevstackSettings
from devstack.stack_info import StackInfo


def print_summary(console: Console, settings: DevstackSettings, seconds: float) -> None:
    host, own = settings.host, settings
    api = f"http://{host}:{own.api_port}"
    rows = [
        ("API, Swagger UI", f"{api}/api/docs"),
        ("Temporal Web UI", f"http://{host}:{own.temporal_ui_port}"),
        ("Sandbox payments", f"http://{host}:{own.sandbox_port}"),
        ("Mailbox", f"http://{host}:{own.mailbox_port}"),
        ("Postgres", f"postgresql://tillwright:{own.password}@{host}:{own.postgres_port}/tillwright"),
        ("Redis", f"redis://:{own.password}@{host}:{own.redis_port}/0"),
        ("Accounts", ", ".join(account.email for account in DEMO_ACCOUNTS)),
        ("Their password", DEMO_PASSWORD),
        ("Try next", "make demo"),
        ("", f"curl {api}/api/v1/products"),
        ("Logs", f"{settings.state_folder / 'logs'}"),
    ]
    heading = f"Ready in {seconds:.1f} s. Ctrl-C stops everything."
    if not console.is_terminal:
        print(heading, *(f"{name:<17} {value}".rstrip() for name, value in rows), sep="\n", flush=True)
        return
    table = Table(show_header=False, title=heading, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def print_status(console: Console, info: StackInfo, folder: Path) -> None:
    ports = {**info.ports, "worker": None}
    lines = [f"supervisor  pid {info.pid}"]
    for name, pid in info.pids.items():
        port = ports.get(name)
        place = f"{info.host}:{port}" if port else ""
        lines.append(f"{name:<11} pid {pid:<8} {place:<22} {folder / 'logs' / name}.log")
    console.print("\n".join(lines), soft_wrap=True, markup=False)
