"""One supervisor per state folder: a lock that the kernel frees when its holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

PATIENCE = 0.5
"""Seconds: `holder` takes the lock for a moment to look, and must not make an `up` fail."""


class AlreadyRunning(Exception):
    """Another supervisor holds the state folder; the message says how to stop it."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(
            f"A stack already runs on {folder} (pid {pid}). Use it as it is, stop it with `kill {pid}`, or start "
            "another one elsewhere: TILLWRIGHT_DEV_STATE_FOLDER and the TILLWRIGHT_DEV_*_PORT settings."
        )


class StateLock:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        return self._file is not None

    def acquire(self) -> None:
        """Raises AlreadyRunning."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "lock").open("a+")
        deadline = time.monotonic() + PATIENCE
        while not _try_lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                pid = _pid_in(file)
                file.close()
                raise AlreadyRunning(self._folder, pid)
            time.sleep(0.02)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def holder(folder: Path) -> int | None:
    """The pid of the supervisor that holds this folder, if one does."""
    try:
        with (folder / "lock").open("r") as file:
            return None if _try_lock(file, fcntl.LOCK_SH) else _pid_in(file)
    except FileNotFoundError:
        return None


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(file: IO[str]) -> int:
    file.seek(0)
    return int(file.read().strip() or 0)
