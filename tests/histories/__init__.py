"""Histories of checkouts, one file per path and released version: what is deployed must still be able to replay them.

`make histories` records those of the version in pyproject.toml anew; the files of older versions stay as they are.
"""

import tomllib
from pathlib import Path

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).parent


def record(test: str, history: WorkflowHistory) -> None:
    """Write the history of the path that this test walks."""
    project = tomllib.loads((FOLDER.parent.parent / "pyproject.toml").read_text())["project"]
    folder = FOLDER / project["version"]
    folder.mkdir(exist_ok=True)
    name = test.removeprefix("test_").replace("_", "-")
    (folder / f"{name}.json").write_text(history.to_json() + "\n")


def recorded() -> dict[str, WorkflowHistory]:
    """Every recorded history, by its file's path below this folder."""
    return {
        str(path.relative_to(FOLDER)): WorkflowHistory.from_json(f"checkout-{path.stem}", path.read_text())
        for path in sorted(FOLDER.rglob("*.json"))
    }
