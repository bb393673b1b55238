"""What import-linter cannot hold: who builds resources, who commits, what a name may be, what a table must have."""

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import DateTime

from core.database import Database
from core.settings import Settings
from models.base import metadata
from tests.fakes.payments import FakePayments
from worker import list_activities

ROOT = Path(__file__).parent.parent
PRODUCTION = ("api", "commands", "workflows", "activities", "services", "gateways", "models", "domain", "core")

LONGEST_MODULE = 300
LONGER_FOR_A_REASON: dict[str, str] = {}
"""Path → why it is not split. Empty is how it should be."""

BUILDERS = {"worker.py", "api/app.py"}
BUILDING = {"Database", "StripePayments", "connect_redis", "connect_temporal"}

UNDOS = {
    "place_order": "cancel_order",
    "reserve_stock": "release_stock",
    "authorise_payment": "void_payment",
    "fail_payment": "reopen_payment",
}


@dataclass(frozen=True)
class Module:
    path: str
    tree: ast.Module
    lines: int

    @property
    def package(self) -> str:
        return self.path.split("/")[0]

    @property
    def imports(self) -> set[str]:
        """Dotted names, those of `from x import y` as x."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path} imports relatively"
                found.add(node.module or "")
        return found

    @property
    def calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def imports_any_of(self, *packages: str) -> set[str]:
        return {name for name in self.imports if name.split(".")[0] in packages}


@cache
def modules() -> list[Module]:
    """All of production: its packages, and the worker."""
    files = [ROOT / "worker.py"] + [file for package in PRODUCTION for file in sorted((ROOT / package).rglob("*.py"))]
    texts = {file.relative_to(ROOT).as_posix(): file.read_text() for file in files}
    return [Module(path, ast.parse(text), text.count("\n")) for path, text in texts.items()]


def in_package(*packages: str) -> list[Module]:
    return [module for module in modules() if module.package in packages]


def builds(call: ast.Call) -> bool:
    """`Database(…)`, `Database.from_settings(…)` and the like."""
    name = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return isinstance(name, ast.Name) and name.id in BUILDING


def test_there_is_something_to_look_at() -> None:
    assert {module.package for module in modules()} == {*PRODUCTION, "worker.py"}


def test_the_worker_the_api_and_commands_alone_build_resources() -> None:
    building = {module.path for module in modules() if any(builds(call) for call in module.calls)}
    assert {path for path in building if not path.startswith(("core/", "commands/"))} == BUILDERS


def test_services_know_no_http_and_no_temporal() -> None:
    offenders = {
        module.path: module.imports_any_of("fastapi", "starlette", "temporalio", "api")
        for module in in_package("services")
    }
    assert not any(offenders.values()), offenders


def test_services_leave_the_transaction_to_their_caller() -> None:
    """`session.commit()` takes nothing; `inventory.commit(session, order_id)` is another verb."""
    ends = {"commit", "rollback", "begin"}
    offenders = [
        f"{module.path}:{call.lineno}"
        for module in in_package("services")
        for call in module.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ends and not (call.args or call.keywords)
    ]
    assert offenders == []


def test_the_domain_is_the_standard_library_and_pydantic() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "domain"}
    offenders = {
        module.path: {name for name in module.imports if name.split(".")[0] not in allowed}
        for module in in_package("domain")
    }
    assert not any(offenders.values()), offenders


def test_workflows_speak_to_no_server() -> None:
    servers = (
        "sqlalchemy",
        "sqlmodel",
        "redis",
        "asyncpg",
        "stripe",
        "httpx",
        "services",
        "gateways",
        "models",
        "core",
    )
    offenders = {module.path: module.imports_any_of(*servers) for module in in_package("workflows")}
    assert not any(offenders.values()), offenders


def test_production_holds_nothing_of_the_workshop() -> None:
    offenders = {
        module.path: module.imports_any_of("devstack", "tests", "bench", "pytest", "hypothesis") for module in modules()
    }
    assert not any(offenders.values()), offenders


def test_no_module_outgrows_its_reader() -> None:
    longer = {module.path for module in modules() if module.lines > LONGEST_MODULE}
    assert longer == set(LONGER_FOR_A_REASON)


def test_names_say_what_a_thing_does() -> None:
    empty = {"util", "utils", "helper", "helpers", "manager", "managers", "misc"}
    offenders = [
        f"{module.path}: {name}"
        for module in modules()
        for name in [Path(module.path).stem, *_defined(module)]
        if empty & set(_words(name))
    ]
    assert offenders == []


def _defined(module: Module) -> Iterator[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return (node.name for node in ast.walk(module.tree) if isinstance(node, kinds))


def _words(name: str) -> list[str]:
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name)
    return spaced.replace("_", " ").lower().split()


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: str(table.name))
def test_each_table_has_a_key_and_knows_the_zone_of_its_times(table: Any) -> None:
    assert len(table.primary_key.columns) > 0
    without_zone = [c.name for c in table.columns if isinstance(c.type, DateTime) and not c.type.timezone]
    assert without_zone == []


@pytest.fixture
def activities(settings: Settings, database: Database, redis: Redis, gateway: FakePayments) -> dict[str, Any]:
    return {method.__name__: method for method in list_activities(settings, database, redis, gateway)}


def test_each_activity_says_what_it_does_and_takes_one_message(activities: dict[str, Any]) -> None:
    for name, method in activities.items():
        assert inspect.getdoc(method), f"{name} has no docstring"
        (argument,) = inspect.signature(method).parameters.values()
        assert is_dataclass(argument.annotation), f"{name}: fields can be added to a message, not to arguments"
        assert argument.annotation.__module__.startswith("domain.messages.")


def test_each_step_stands_beside_its_undo(activities: dict[str, Any]) -> None:
    assert set(UNDOS) | set(UNDOS.values()) <= set(activities)
    for do, undo in UNDOS.items():
        assert type(activities[do].__self__) is type(activities[undo].__self__), f"{undo} is not beside {do}"
