"""The shop that is measured: the whole stack on free ports, its importer, and shoppers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from bench import catalogue
from bench.timing import Client
from devstack.demo.accounts import DEMO_PASSWORD
from devstack.servers.ports import free_port
from devstack.settings import DevstackSettings
from devstack.stack import Stack
from devstack.stack_children import ROOT

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
        """New customers, signed in: limits per account are what they are, so the load is spread."""
        return [self._shopper() for _ in range(count)]

    def _shopper(self) -> Client:
        with self.client() as nobody:
            who = {"email": f"{uuid4().hex}@example.com", "password": DEMO_PASSWORD}
            nobody.call("POST", "/auth/register", who | {"full_name": "Ada Shopper"})
            return self.client(nobody.call("POST", "/auth/login", who)["access_token"])

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
