"""The supervisor and its lock, with small children instead of the stack's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack import stack_info, supervisor
from devstack.servers.process import NotReady
from devstack.settings import DevstackSettings
from devstack.stack import running_stack
from devstack.stack_children import PreparationFailed, Service, Step
from devstack.stack_info import StackInfo
from devstack.stack_lock import AlreadyRunning, StateLock, holder
from devstack.stack_stamp import Stamp
from devstack.supervisor import KeepsDying, Supervisor

STAYS = "import time; print('up', flush=True); time.sleep(60)"
IS_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
DIES = "print('no database', flush=True); raise SystemExit(3)"

MakeService = Callable[..., Service]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def overseer(lines: list[str]) -> Iterator[Supervisor]:
    overseer = Supervisor(lines.append)
    yield overseer
    overseer.stop()


@pytest.fixture
def make_service(tmp_path: Path) -> MakeService:
    def make(name: str, code: str, kind: type[Service] = Service) -> Service:
        log = tmp_path / f"{name}.log"

        def says_up() -> bool:
            return "up" in log.read_text()

        return kind(name, ["-c", code], log=log, environment={}, is_ready=says_up)

    return make


def check_until(overseer: Supervisor, condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        overseer.check()
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        state = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_a_child_that_was_killed_is_started_again(
    overseer: Supervisor, make_service: MakeService, lines: list[str]
) -> None:
    child = make_service("worker", STAYS)
    overseer.watch(child)
    child.start()
    assert child.pid is not None
    killed = child.pid
    os.kill(killed, signal.SIGKILL)
    check_until(overseer, lambda: "worker is back" in lines)
    assert child.is_alive
    assert child.pid != killed
    assert lines[0] == "worker ended with exit code -9; starting it again"


def test_a_child_that_keeps_dying_ends_the_stack_with_its_last_words(
    overseer: Supervisor, make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.1)
    child = make_service("worker", DIES)
    overseer.watch(child)
    child.spawn()
    wait_for(lambda: not child.is_alive)
    with pytest.raises(KeepsDying) as error:
        check_until(overseer, lambda: False)
    message = str(error.value)
    assert "worker keeps dying: 5 times" in message
    assert "no database" in message
    assert str(child.log) in message


def test_stopping_goes_backwards_and_is_stern_with_the_stubborn(
    overseer: Supervisor, make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT", 0.3)
    ends: list[str] = []

    class Recorded(Service):
        def stop(self, timeout: float = 10) -> None:
            super().stop(timeout)
            ends.append(self.name)

    for name, code in [("first", STAYS), ("second", IS_STUBBORN), ("third", STAYS)]:
        child = make_service(name, code, Recorded)
        overseer.watch(child)
        child.start()
    overseer.stop()
    assert ends[:3] == ["third", "second", "first"]
    assert not any(child.is_alive for child in overseer.children)


def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from devstack.stack_children import Service
child = Service("child", ["-c", {STAYS!r}], log=Path({str(tmp_path / "child.log")!r}), environment={{}}, is_ready=bool)
child.spawn()
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    wait_for(lambda: is_gone(pid))


def test_a_service_that_ends_instead_of_becoming_ready_is_quoted(make_service: MakeService) -> None:
    with pytest.raises(NotReady, match=r"(?s)api ended with exit code 3.*no database"):
        make_service("api", DIES).start()


def test_a_step_that_fails_is_quoted(tmp_path: Path) -> None:
    step = Step("migrate", ["-c", DIES], log=tmp_path / "migrate.log", environment={})
    step.start()
    with pytest.raises(PreparationFailed, match=r"(?s)“migrate” failed with exit code 3.*no database"):
        step.finish()


def test_a_folder_has_one_supervisor(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    lock = StateLock(tmp_path)
    lock.acquire()
    assert holder(tmp_path) == os.getpid()
    with pytest.raises(AlreadyRunning, match=f"kill {os.getpid()}"):
        StateLock(tmp_path).acquire()
    lock.release()
    assert holder(tmp_path) is None
    StateLock(tmp_path).acquire()


def test_a_running_stack_is_found_while_its_supervisor_holds_the_lock(tmp_path: Path) -> None:
    settings = DevstackSettings(_env_file=None, state_folder=tmp_path)
    assert running_stack(settings) is None
    info = StackInfo(pid=os.getpid(), pids={"api": 1}, host="127.0.0.1", ports=stack_info.ports_of(settings))
    info.write(tmp_path)
    assert running_stack(settings) is None, "the file of a supervisor that was killed"
    lock = StateLock(tmp_path)
    lock.acquire()
    assert running_stack(settings) == info
    assert info.ports["temporal_ui"] == settings.temporal_ui_port
    lock.release()
    assert running_stack(settings) is None


def test_a_stamp_is_current_until_a_file_changes(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "catalogue.json").write_text("[]")
    stamp = Stamp(tmp_path / "stamp.txt", [sources])
    assert not stamp.is_current
    stamp.write()
    assert stamp.is_current
    (sources / "catalogue.json").write_text("[1]")
    assert not stamp.is_current
