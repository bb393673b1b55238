"""Histories of checkouts, one file per path and released version: what is deployed must still be able to replay them.

`make histories` records those of the version in pyproject.toml anew; the files of older versions stay as they are.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).parent
MACHINE = {"stackTrace", "identity"}


def record(test: str, history: WorkflowHistory) -> None:
    """Write the history of the path that this test walks."""
    project = tomllib.loads((FOLDER.parent.parent / "pyproject.toml").read_text())["project"]
    folder = FOLDER / project["version"]
    folder.mkdir(exist_ok=True)
    name = test.removeprefix("test_").replace("_", "-").replace("[", "-").replace("]", "")
    events = _without_the_machine(json.loads(history.to_json()))
    (folder / f"{name}.json").write_text(json.dumps(events, indent=2) + "\n")


def _without_the_machine(value: Any) -> Any:
    """Stack traces and identities name paths, processes and hosts of whoever recorded it; a replay needs neither."""
    if isinstance(value, list):
        return [_without_the_machine(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_the_machine(item) for key, item in value.items() if key not in MACHINE}
    return value


def recorded() -> dict[str, WorkflowHistory]:
    """Every recorded history, by its file's path below this folder."""
    return {
        str(path.relative_to(FOLDER)): WorkflowHistory.from_json(f"checkout-{path.stem}", path.read_text())
        for path in sorted(FOLDER.rglob("*.json"))
    }
