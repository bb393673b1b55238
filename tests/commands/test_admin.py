"""The first admin of a real environment, made by whoever has its settings."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.admin import app
from services.passwords import verify_password
from tests.builders import Shop

ROOT = Path(__file__).parents[2]
EMAIL = "root@example.com"


async def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of the command, with nobody at the keyboard. It has an event loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    return done.exit_code, done.output


async def audited(shop: Shop) -> list[tuple[str, None]]:
    return [(action, actor) for action, actor in await shop.rows("SELECT action, actor_id FROM audit_entries")]


@pytest.mark.usefixtures("settings")
async def test_an_admin_is_made_with_a_password_that_is_shown_once(shop: Shop) -> None:
    code, output = await run("Root@Example.com")
    assert code == 0, output
    password = output.split("shown this once: ")[1].strip()
    ((role, password_hash, verified),) = await shop.rows(
        "SELECT role, password_hash, email_verified_at IS NOT NULL FROM users WHERE email = :email", email=EMAIL
    )
    assert (role, verified) == ("admin", True)
    assert await verify_password(password, password_hash)
    assert await audited(shop) == [("staff.create", None)]
    code, output = await run(EMAIL)
    assert (code, "already" in output) == (0, True)
    assert len(await audited(shop)) == 1


@pytest.mark.usefixtures("settings")
async def test_an_account_that_is_there_is_promoted_only_when_that_is_confirmed(shop: Shop) -> None:
    await shop.user(email=EMAIL, password_hash="as before")
    await shop.rows("UPDATE users SET is_active = false")
    code, output = await run(EMAIL)
    assert (code, "--yes" in output) == (1, True), output
    assert "deactivated" in output
    assert await shop.rows("SELECT role FROM users") == [("customer",)]
    code, output = await run(EMAIL, "--yes")
    assert code == 0, output
    assert await shop.rows("SELECT role, password_hash, is_active FROM users") == [("admin", "as before", True)]
    assert await audited(shop) == [("staff.role", None)]


@pytest.mark.usefixtures("settings")
async def test_what_cannot_be_an_admin_is_told_so(shop: Shop) -> None:
    await shop.user("service", email="key@machine.example")
    for arguments, told in (
        (["root"], "no e-mail address"),
        (["key@machine.example", "--yes"], "no account of a person"),
    ):
        code, output = await run(*arguments)
        assert (code, told in output) == (1, True), output


def test_a_database_that_is_not_there_is_told_in_a_line() -> None:
    nowhere = {"TILLWRIGHT_DATABASE_URL": "postgresql+asyncpg://a:b@127.0.0.1:1/c"}
    command = [sys.executable, "-m", "commands.admin", EMAIL]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "TILLWRIGHT_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_make_admin_hands_the_address_on() -> None:
    making = ["make", "-n", "admin", f"email={EMAIL}"]
    done = subprocess.run(making, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f'-m commands.admin "{EMAIL}"' in done.stdout, done.stderr
