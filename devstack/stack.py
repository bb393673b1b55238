"""The whole stack as one object: `with Stack(settings) as stack` starts everything and stops it at the end."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from devstack import stack_info
from devstack.servers.ports import PortTaken, require_free
from devstack.servers.process import Process
from devstack.settings import DevstackSettings
from devstack.stack_children import Service
from devstack.stack_info import StackInfo, ports_of, running_stack
from devstack.stack_lock import StateLock
from devstack.stack_plan import Plan
from devstack.supervisor import Supervisor

__all__ = ["Stack", "StackInfo", "running_stack"]

CHECK_EVERY = 0.1
"""Seconds."""
ROTATE_ABOVE = 5_000_000
"""Bytes."""


def _say_nothing(_: str) -> None:
    pass


class Stack:
    """Servers, preparation, worker and API under one supervisor.

    Raises AlreadyRunning, PortTaken, WheelMissing or NotReady from `start`, and KeepsDying from `supervise`.
    """

    def __init__(
        self, settings: DevstackSettings, *, tell: Callable[[str], None] = _say_nothing, on_terminal: bool = False
    ) -> None:
        """`on_terminal` lets the catalogue's loading draw its progress bar."""
        self.settings = settings
        self.folder = settings.state_folder.resolve()
        self._tell = tell
        self._plan = Plan(settings, on_terminal=on_terminal)
        self._lock = StateLock(self.folder)
        self._supervisor = Supervisor(tell, self._write_info)
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._is_ready = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Of the children that live."""
        return {child.name: child.pid for child in self._supervisor.children if child.is_alive and child.pid}

    def kill9(self, name: str) -> int:
        """kill -9, as a crash; returns the pid that was. `supervise` starts it again, however often this is called."""
        pid = self.pids[name]
        self._supervisor.forgive(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def start(self) -> None:
        """Returns when the API answers; leaves nothing behind when something fails."""
        self._lock.acquire()
        try:
            stack_info.forget(self.folder)
            self._rotate_logs()
            self._require_free_ports()
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def supervise(self, seconds: float | None = None) -> None:
        """Restart what dies, until `stop` is called elsewhere or the time is over."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._stopping.is_set() and (deadline is None or time.monotonic() < deadline):
            self._supervisor.check()
            self._stopping.wait(CHECK_EVERY)

    def supervise_in_background(self) -> None:
        """For a caller that has other things to do: a thread restarts what dies until `stop`."""

        def keep_alive() -> None:
            try:
                self.supervise()
            except Exception as error:
                self._tell(str(error))
            self._stopped.wait()  # the children it started would die with this thread

        threading.Thread(target=keep_alive, daemon=True, name="supervisor").start()

    def stop(self) -> None:
        """End all in reverse order and free the state folder; twice does no harm."""
        self._stopping.set()
        if self._lock.is_held:  # or it is the file of another stack
            stack_info.forget(self.folder)
        self._supervisor.stop()
        self._stopped.set()
        self._lock.release()

    def _start_all(self) -> None:
        """What waits for nothing is spawned early, so that Python's imports overlap with the servers' start."""
        sandbox, mailbox = self._plan.sandbox(), self._plan.mailbox()
        worker, api = self._plan.worker(), self._plan.api()
        self._spawn(sandbox)
        self._spawn(mailbox)
        self._start(self._plan.postgres())
        migrate = self._plan.migrate()
        migrate.start()
        self._start(self._plan.redis())
        self._start(self._plan.temporal())
        attributes = self._plan.search_attributes()
        attributes.start()
        migrate.finish()
        self._tell("migrate: the schema is at its head")
        self._load_catalogue()
        attributes.finish()
        self._await(sandbox)
        self._await(mailbox)
        self._spawn(worker)
        self._spawn(api)
        self._await(worker)
        self._await(api)
        self._is_ready = True
        self._write_info()

    def _start(self, child: Process) -> None:
        self._supervisor.watch(child)
        child.start()
        self._tell(f"{child.name}: ready")

    def _spawn(self, child: Service) -> None:
        self._supervisor.watch(child)
        child.spawn()

    def _await(self, child: Service) -> None:
        child.await_ready()
        self._tell(f"{child.name}: ready")

    def _load_catalogue(self) -> None:
        stamp = self._plan.demo_stamp()
        if stamp.is_current:
            return
        load = self._plan.demo_catalogue()
        load.start()
        load.finish()
        stamp.write()
        self._tell("demo-catalogue: loaded")

    def _rotate_logs(self) -> None:
        for log in (self.folder / "logs").glob("*.log"):
            if log.stat().st_size > ROTATE_ABOVE:
                log.rename(f"{log}.1")

    def _require_free_ports(self) -> None:
        """A second of patience: children of a supervisor that was just killed may still be ending."""
        deadline = time.monotonic() + 1
        for name, port in ports_of(self.settings).items():
            while True:
                try:
                    require_free(self.settings.host, port, name, f"TILLWRIGHT_DEV_{name.upper()}_PORT")
                    break
                except PortTaken:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)

    def _write_info(self) -> None:
        if self._is_ready:
            own = self.settings
            StackInfo(pid=os.getpid(), pids=self.pids, host=own.host, ports=ports_of(own)).write(self.folder)
