"""The stack's order, its file and its end, with small children in the place of servers, worker and API."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devstack import stack as stack_module
from devstack.__main__ import app
from devstack.servers.ports import PortTaken, free_port
from devstack.settings import DevstackSettings
from devstack.stack import Stack, running_stack
from devstack.stack_children import PreparationFailed, Service, Step
from devstack.stack_plan import Plan
from devstack.stack_stamp import Stamp

STAYS = "import time; print('up', flush=True); time.sleep(60)"
CHILDREN = ["sandbox", "mailbox", "postgres", "redis", "temporal", "worker", "api"]


class SmallPlan(Plan):
    """Every server sleeps, every step prints its name; `broken` names the step that fails."""

    broken = ""

    def small(self, name: str) -> Service:
        log = self._log(name)
        return Service(name, ["-c", STAYS], log=log, environment={}, is_ready=lambda: "up" in log.read_text())

    def step(self, name: str) -> Step:
        code = "raise SystemExit('no schema')" if name == self.broken else f"print({name!r})"
        return Step(name, ["-c", code], log=self._log(name), environment={})

    def __getattribute__(self, name: str) -> object:
        if name in CHILDREN:
            return lambda: self.small(name)
        if name in ("migrate", "search_attributes", "demo_catalogue"):
            return lambda: self.step(name)
        return super().__getattribute__(name)

    def demo_stamp(self) -> Stamp:
        return Stamp(self.folder / "demo-loaded.txt", [])


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> type[SmallPlan]:
    class Own(SmallPlan):
        pass

    monkeypatch.setattr(stack_module, "Plan", Own)
    return Own


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DevstackSettings:
    """Free ports, also for the command line."""
    monkeypatch.setenv("TILLWRIGHT_DEV_STATE_FOLDER", str(tmp_path / "state"))
    for name in ("API", "POSTGRES", "REDIS", "TEMPORAL", "TEMPORAL_UI", "SANDBOX", "MAILBOX", "MAILBOX_SMTP"):
        monkeypatch.setenv(f"TILLWRIGHT_DEV_{name}_PORT", str(free_port()))
    return DevstackSettings(_env_file=None)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.usefixtures("plan")
def test_it_starts_in_order_is_found_and_stops(settings: DevstackSettings) -> None:
    lines: list[str] = []
    with Stack(settings, tell=lines.append) as stack:
        assert [line.split(":")[0] for line in lines] == [
            "postgres", "redis", "temporal", "migrate", "demo-catalogue", "sandbox", "mailbox", "worker", "api",
        ]  # fmt: skip
        info = running_stack(settings)
        assert info is not None
        assert info.pid == os.getpid()
        assert info.pids == stack.pids
        assert set(info.pids) == set(CHILDREN)
        result = CliRunner().invoke(app, ["status"])
        assert f"pid {info.pids['worker']}" in result.output
        refused = CliRunner().invoke(app, ["reset"])
        assert refused.exit_code == 1
        assert f"kill {os.getpid()}" in refused.output
    assert running_stack(settings) is None
    assert not any(is_alive(pid) for pid in info.pids.values())


@pytest.mark.usefixtures("plan")
def test_a_killed_worker_comes_back_with_its_pid_in_the_file(settings: DevstackSettings) -> None:
    with Stack(settings) as stack:
        stack.supervise_in_background()
        killed = stack.kill9("worker")
        deadline = time.monotonic() + 10
        while (info := running_stack(settings)) is None or info.pids.get("worker") in (None, killed):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert info.pids == stack.pids


def test_a_step_that_fails_leaves_nothing_behind(plan: type[SmallPlan], settings: DevstackSettings) -> None:
    plan.broken = "migrate"
    stack = Stack(settings)
    with pytest.raises(PreparationFailed, match="no schema"):
        stack.start()
    assert stack.pids == {}
    plan.broken = ""
    with Stack(settings) as again:
        assert "api" in again.pids


@pytest.mark.usefixtures("plan")
def test_a_second_one_leaves_the_first_alone(settings: DevstackSettings) -> None:
    with Stack(settings):
        second = subprocess.run([sys.executable, "-m", "devstack", "up"], capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Traceback" not in second.stderr
        assert running_stack(settings) is not None


@pytest.mark.usefixtures("plan")
def test_a_taken_port_is_named_with_its_setting(settings: DevstackSettings) -> None:
    with socket.create_server((settings.host, settings.redis_port)), pytest.raises(PortTaken) as error:
        Stack(settings).start()
    assert "TILLWRIGHT_DEV_REDIS_PORT=" in str(error.value)


@pytest.mark.usefixtures("plan")
def test_a_large_log_makes_room(settings: DevstackSettings) -> None:
    logs = settings.state_folder / "logs"
    logs.mkdir(parents=True)
    (logs / "api.log").write_bytes(b"x" * 5_000_001)
    with Stack(settings):
        assert (logs / "api.log.1").stat().st_size == 5_000_001
        assert (logs / "api.log").read_text() == "up\n"
    shown = CliRunner().invoke(app, ["logs", "api"])
    assert shown.output == "up\n"
    assert "There are: api," in CliRunner().invoke(app, ["logs", "apy"]).output


def test_reset_deletes_a_stack_and_nothing_else(settings: DevstackSettings) -> None:
    settings.state_folder.mkdir()
    (settings.state_folder / "thesis.txt").touch()
    assert CliRunner().invoke(app, ["reset"]).exit_code == 1
    assert (settings.state_folder / "thesis.txt").exists()
    (settings.state_folder / "lock").touch()
    assert CliRunner().invoke(app, ["reset"]).exit_code == 0
    assert not settings.state_folder.exists()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("API_PORT", "abc", "TILLWRIGHT_DEV_API_PORT: Input should be a valid integer"),
        ("STATE_FOLDER", "/dev/null", "The state folder cannot be used"),
    ],
)
@pytest.mark.parametrize("command", ["up", "status"])
def test_settings_that_cannot_be_right_are_told_in_one_message(
    command: str, name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TILLWRIGHT_DEV_{name}", value)
    done = subprocess.run([sys.executable, "-m", "devstack", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
