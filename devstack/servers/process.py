"""One child process: started with a log of its own, gone when its parent is, awaited until it is ready."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
READY_TIMEOUT = 30.0
"""Seconds."""

_libc = ctypes.CDLL(None, use_errno=True)


class NotReady(Exception):
    """A process that ended or stayed silent instead of becoming ready; the message quotes its log."""


def die_with_parent() -> None:
    """Runs in the child before exec: the kernel ends it when the thread that started it ends. Linux alone can."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A named command. `start` and `stop` block, for a second at most in the usual case."""

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.environment = {**os.environ, **(environment or {})}
        self.cwd = cwd
        self.user = user
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def is_alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll() if self._popen else None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.cwd,
                start_new_session=True,  # Ctrl-C goes to the supervisor alone, which stops the children in order
                preexec_fn=die_with_parent,
                user=self.user,
                group=_group_of(self.user),
                extra_groups=[] if self.user else None,
            )

    def wait_ready(self, is_ready: Callable[[], bool], timeout: float = READY_TIMEOUT) -> None:
        """Ask until `is_ready`; raises NotReady with the end of the log when it ends or takes too long."""
        deadline = time.monotonic() + timeout
        while not is_ready():
            if not self.is_alive:
                raise NotReady(f"{self.name} ended with exit code {self.exit_code}.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready after {timeout:.0f} s.\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end, and end it where it does not."""
        if self._popen is None or not self.is_alive:
            return
        self._popen.send_signal(self.stop_signal)
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9."""
        if self._popen is not None and self.is_alive:
            self._popen.kill()
            self._popen.wait()

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of the log, and where the rest is."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        quoted = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return f"The last lines of {self.log}:\n{quoted}" if quoted else f"Its log is empty: {self.log}"


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid
