"""The stack's own Python processes: services that stay, and preparation steps that end."""

import http.client
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devstack.servers.process import NotReady, Process, die_with_parent

ROOT = Path(__file__).resolve().parent.parent
"""Of the repository: where the children run."""


class PreparationFailed(NotReady):
    """A preparation step that ended with an error; the message quotes what it printed."""


class Service(Process):
    """A Python process with a test of its own for being ready."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        ready_file: Path | None = None,
    ) -> None:
        """`ready_file` is deleted before each start: the one that an earlier process touched says nothing."""
        super().__init__(name, [sys.executable, *arguments], log=log, environment=environment, cwd=ROOT)
        self._is_ready = is_ready
        self._ready_file = ready_file

    def spawn(self) -> None:
        """Start it without waiting; `await_ready` is to follow."""
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)
        super().start()

    def await_ready(self) -> None:
        self.wait_ready(self._is_ready)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.spawn()
        self.await_ready()


class Step(Process):
    """A preparation: `start` it, do something else, `finish` it."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        on_terminal: bool = False,
    ) -> None:
        """`on_terminal` lets it draw on the caller's terminal instead of writing its log."""
        super().__init__(name, [sys.executable, *arguments], log=log, environment=environment, cwd=ROOT)
        self._on_terminal = on_terminal

    def start(self) -> None:
        if not self._on_terminal:
            self.log.unlink(missing_ok=True)  # so that a failure quotes this run only
            super().start()
            return
        self._popen = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            env=self.environment,
            cwd=self.cwd,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def finish(self) -> None:
        """Wait for its end; raises PreparationFailed unless it went well."""
        assert self._popen is not None, "start() comes first"  # noqa: S101
        if code := self._popen.wait():
            shown = "See its output above." if self._on_terminal else self.log_tail(40)
            raise PreparationFailed(f"The step “{self.name}” failed with exit code {code}. {shown}")


def answers_200(host: str, port: int, path: str) -> Callable[[], bool]:
    """A test for being ready: whether this address answers GET with 200."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask
