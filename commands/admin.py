"""`python -m commands.admin EMAIL`: an admin for the configured environment, which nobody could sign in to make."""

import asyncio
import secrets
import sys
from typing import Annotated, NoReturn

import typer
from pydantic import EmailStr, TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.database import Database
from core.settings import get_settings
from domain.permissions import Role
from services import accounts
from services.accounts import NewUser
from services.passwords import SHORTEST, hash_password

app = typer.Typer(add_completion=False)
out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@app.command()
def admin(
    email: Annotated[str, typer.Argument(help="The address that the admin signs in with.")],
    full_name: Annotated[str, typer.Option(help="Of a new account.")] = "Admin",
    yes: Annotated[bool, typer.Option("--yes", help="Promote an account that is there without asking.")] = False,
) -> None:
    """Open an admin's account, or make an account that is there an admin's.

    The password of a new account is asked for. Left empty, or where nobody can be asked, one is made and shown once.
    """
    address = _address(email)
    try:
        asyncio.run(_make(address, full_name, yes))
    except ValidationError as error:
        _fail(f"The settings are not good. {error}")
    except ProgrammingError:
        _fail("The database does not have the shop's tables. Make them first: make migrate")
    except (DBAPIError, OSError) as error:
        _fail(f"The database cannot be reached: see TILLWRIGHT_DATABASE_URL. {type(error).__name__}")


async def _make(email: str, full_name: str, yes: bool) -> None:
    database = Database.from_settings(get_settings(), "tillwright-admin")
    try:
        async with database.reading() as session:
            is_known = await accounts.find_by_email(session, email) is not None
        if is_known:
            await _promote(database, email, yes)
        else:
            await _open(database, email, full_name)
    finally:
        await database.close()


async def _open(database: Database, email: str, full_name: str) -> None:
    password, is_made = _password()
    new = NewUser(email, await hash_password(password), full_name, phone=None)
    async with database.transaction() as session:
        if not await accounts.open_admin(session, new):
            _fail(f"{email} was registered this moment: run the command again.")
    out.print(f"{escape(email)} is an admin.", soft_wrap=True)
    if is_made:
        out.print(f"The password, shown this once: {escape(password)}", soft_wrap=True)


async def _promote(database: Database, email: str, yes: bool) -> None:
    async with database.transaction() as session:
        user = await accounts.find_by_email(session, email)
        if user is None or user.role == Role.SERVICE:
            _fail(f"{email} is no account of a person.")
        if user.role == Role.ADMIN and user.is_active:
            out.print(f"{escape(email)} is an admin already; nothing was changed.", soft_wrap=True)
            return
        standing = user.role if user.is_active else f"{user.role}, deactivated"
        question = f"{email} has an account ({standing}). Make it an active admin's, with the password that it has?"
        if not (yes or (sys.stdin.isatty() and typer.confirm(question))):
            _fail(f"Nothing was changed. {question} Then say so: --yes")
        await accounts.promote(session, user)
    out.print(f"{escape(email)} is an admin.", soft_wrap=True)


def _password() -> tuple[str, bool]:
    """And whether it was made here."""
    while sys.stdin.isatty():
        given: str = typer.prompt("Password (empty: one is made)", default="", hide_input=True, show_default=False)
        if not given:
            break
        if len(given) < SHORTEST:
            errors.print(f"It needs at least {SHORTEST} characters.")
        elif typer.prompt("Again", hide_input=True) != given:
            errors.print("These are two different ones.")
        else:
            return given, False
    return secrets.token_urlsafe(18), True


def _address(email: str) -> str:
    try:
        return TypeAdapter(EmailStr).validate_python(email).lower()
    except ValidationError:
        _fail(f"{email} is no e-mail address.")


def _fail(message: str) -> NoReturn:
    errors.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m commands.admin")
