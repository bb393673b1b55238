"""Keeping children alive: what dies is started again, what keeps dying ends the stack with one message."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from devstack.servers.process import NotReady, Process

MAX_DEATHS = 5
DEATH_WINDOW = 60.0
"""Seconds."""
LONGEST_PAUSE = 5.0
STOP_TIMEOUT = 5.0


class KeepsDying(Exception):
    """A child that was started again and again and did not stay; the message quotes its log."""


@dataclass
class Watched:
    child: Process
    deaths: deque[float] = field(default_factory=deque)
    failed_starts: int = 0
    due: float | None = None
    """When the dead child is to be started again."""

    def count_death(self, now: float) -> int:
        self.deaths.append(now)
        while now - self.deaths[0] > DEATH_WINDOW:
            self.deaths.popleft()
        return max(len(self.deaths), self.failed_starts)


class Supervisor:
    """Children in the order of their start. It has no thread of its own: the caller calls `check` in a loop.

    Children die with the *thread* that started them (see `die_with_parent`), so the thread that calls `check` must
    live as long as they do.
    """

    def __init__(self, tell: Callable[[str], None], on_restart: Callable[[], None] = lambda: None) -> None:
        self._tell = tell
        self._on_restart = on_restart
        self._watched: list[Watched] = []

    @property
    def children(self) -> list[Process]:
        return [watched.child for watched in self._watched]

    def watch(self, child: Process) -> None:
        """From now on `check` restarts it and `stop` ends it. Call it before the start, so that none is forgotten."""
        self._watched.append(Watched(child))

    def check(self) -> None:
        """Look at every child once; raises KeepsDying. Blocks while a child it started becomes ready."""
        for watched in self._watched:
            now = time.monotonic()
            if watched.due is None and not watched.child.is_alive:
                self._plan_restart(watched, f"{watched.child.name} ended with exit code {watched.child.exit_code}", now)
            elif watched.due is not None and watched.due <= now:
                self._restart(watched)

    def forgive(self, name: str) -> None:
        """Count the deaths of this child from zero: one that was killed on purpose does not keep dying."""
        for watched in self._watched:
            if watched.child.name == name:
                watched.deaths.clear()

    def stop(self) -> None:
        """End all in reverse order; twice does no harm."""
        for watched in reversed(self._watched):
            watched.child.stop(STOP_TIMEOUT)

    def _plan_restart(self, watched: Watched, what_happened: str, now: float) -> None:
        deaths = watched.count_death(now)
        if deaths >= MAX_DEATHS:
            name = watched.child.name
            raise KeepsDying(f"{name} keeps dying: {deaths} times, so the stack stops.\n{watched.child.log_tail()}")
        pause = 0.0 if deaths == 1 else min(0.25 * 2 ** (deaths - 2), LONGEST_PAUSE)
        watched.due = now + max(pause, 0.1)  # its own children may still be ending
        self._tell(f"{what_happened}; starting it again")

    def _restart(self, watched: Watched) -> None:
        watched.due = None
        try:
            watched.child.start()
        except NotReady as error:
            watched.child.stop(STOP_TIMEOUT)
            watched.failed_starts += 1
            self._plan_restart(watched, str(error).splitlines()[0].rstrip("."), time.monotonic())
            return
        watched.failed_starts = 0
        self._tell(f"{watched.child.name} is back")
        self._on_restart()
