"""How other processes find a running stack: `stack.json` in its state folder."""

import json
from pathlib import Path

from pydantic import BaseModel

from devstack.settings import DevstackSettings
from devstack.stack_lock import holder

FILE = "stack.json"


class StackInfo(BaseModel):
    """A stack that became ready. `pids` is kept up to date when children are started again."""

    pid: int
    pids: dict[str, int]
    host: str
    ports: dict[str, int]

    def write(self, folder: Path) -> None:
        draft = folder / f"{FILE}.new"
        draft.write_text(json.dumps(self.model_dump(), indent=2) + "\n")
        draft.rename(folder / FILE)


def running_stack(settings: DevstackSettings) -> StackInfo | None:
    """The ready stack of these settings' state folder: its supervisor lives and holds the lock."""
    folder = settings.state_folder.resolve()
    try:
        info = StackInfo.model_validate_json((folder / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return info if holder(folder) == info.pid else None


def forget(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def ports_of(settings: DevstackSettings) -> dict[str, int]:
    """Every port the stack listens on, by the name of its setting without `_port`."""
    fields = [name for name in DevstackSettings.model_fields if name.endswith("_port")]
    return {name.removesuffix("_port"): getattr(settings, name) for name in fields}
