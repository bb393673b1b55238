"""The shop that is measured: the whole stack on free ports, its importer, and shoppers."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from api.tokens import Tokens
from bench import catalogue
from bench.timing import Client
from core.database import Database
from core.settings import Settings
from devstack.servers.ports import free_port
from devstack.settings import DevstackSettings
from devstack.stack import Stack
from devstack.stack_children import ROOT
from domain.permissions import Role
from models.accounts import User

UNLIMITED = str(10_000_000)
INDEXED_WITHIN = 600.0
"""Seconds."""
MISSPELT = "ceramik"
"""Found by the index alone: Postgres, which answers while there is none, knows no typing errors."""


@dataclass(frozen=True)
class Imported:
    """How long the command took, its process included; `peak` is what it held at most, in MiB."""

    products: int
    seconds: float
    peak: float


@dataclass(frozen=True)
class Shop:
    stack: Stack
    folder: Path

    def client(self, token: str | None = None) -> Client:
        return Client(self.stack.settings.host, self.stack.settings.api_port, token)

    def shoppers(self, count: int) -> list[Client]:
        """New customers with their tokens: limits per account are what they are, so the load is spread.

        They are written, not registered: their mails would be sent while something else is measured.
        """
        return asyncio.run(self._shoppers(count))

    async def _shoppers(self, count: int) -> list[Client]:
        settings = Settings(_env_file=None, **_names_of(self.stack.settings.application_environment))
        database, tokens = Database.from_settings(settings, "bench"), Tokens(settings)
        people = [_somebody() for _ in range(count)]
        try:
            async with database.transaction() as session:
                session.add_all(people)
        finally:
            await database.close()
        return [self.client(tokens.issue(one.id, Role.CUSTOMER, uuid4())) for one in people]

    def import_products(self, numbers: range) -> Imported:
        """By the command that an operator would use."""
        file = self.folder / "products.jsonl"
        catalogue.write(file, numbers)
        environment = os.environ | self.stack.settings.application_environment
        command = [sys.executable, "-m", "commands.catalogue", "import", str(file), "--make-categories"]
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"The import ended with exit code {process.returncode}.")
        return Imported(len(numbers), taken, usage.ru_maxrss / 1024)

    def wait_until_found(self, products: int) -> float:
        """Seconds until the index has that many. Raises TimeoutError."""
        started = time.perf_counter()
        while self.found() < products or not self.found(MISSPELT):
            if time.perf_counter() - started > INDEXED_WITHIN:
                raise TimeoutError(f"The search index does not come to {products} products.")
            time.sleep(0.5)
        return time.perf_counter() - started

    def found(self, words: str | None = None) -> int:
        """Products that search finds."""
        asked = {"limit": 1, "facets": "false"} | ({"q": words} if words else {})
        with self.client() as nobody:
            return int(nobody.call("GET", f"/products?{urlencode(asked)}")["total"])


def _somebody() -> User:
    return User(email=f"{uuid4().hex}@example.com", password_hash="-", full_name="Ada Shopper")  # noqa: S106


def _names_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """Variables of the environment as the settings that they set."""
    return {name.removeprefix("TILLWRIGHT_").lower(): value for name, value in environment.items()}


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Of this run alone: nothing of a `.env` or of the environment reaches it, and no limit per address holds."""
    for name in [name for name in os.environ if name.startswith("TILLWRIGHT_")]:
        del os.environ[name]
    for kind in ("READS", "WRITES", "SIGN_INS"):
        os.environ[f"TILLWRIGHT_ADDRESS_{kind}_PER_MINUTE"] = UNLIMITED
    os.environ["TILLWRIGHT_LOG_LEVEL"] = "WARNING"
    folder.chmod(0o755)  # as root, Postgres runs as another user
    ports: dict[str, Any] = {name: free_port() for name in DevstackSettings.model_fields if name.endswith("_port")}
    settings = DevstackSettings(_env_file=None, state_folder=folder / "state", **ports)
    with Stack(settings) as stack:
        stack.supervise_in_background()
        yield Shop(stack, folder)
