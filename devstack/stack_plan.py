"""Which processes the stack is made of, and how each is called."""

from collections.abc import Callable
from pathlib import Path

from devstack.servers import Postgres, Redis, TemporalServer
from devstack.settings import DevstackSettings
from devstack.stack_children import ROOT, Service, Step, answers_200
from devstack.stack_stamp import Stamp


class Plan:
    """Makes the children of one stack; starts none of them."""

    def __init__(self, settings: DevstackSettings, *, on_terminal: bool) -> None:
        self.settings = settings
        self.folder = settings.state_folder.resolve()
        self._on_terminal = on_terminal

    def postgres(self) -> Postgres:
        own = self.settings
        log = self._log("postgres")
        return Postgres(self.folder, host=own.host, port=own.postgres_port, password=own.password, log=log)

    def redis(self) -> Redis:
        own = self.settings
        return Redis(self.folder, host=own.host, port=own.redis_port, password=own.password, log=self._log("redis"))

    def temporal(self) -> TemporalServer:
        own = self.settings
        log = self._log("temporal")
        return TemporalServer(self.folder, host=own.host, port=own.temporal_port, ui_port=own.temporal_ui_port, log=log)

    def sandbox(self) -> Service:
        ready = answers_200(self.settings.host, self.settings.sandbox_port, "/_sandbox/health")
        return self._service("sandbox", ["-m", "devstack.sandbox"], ready)

    def mailbox(self) -> Service:
        ready = answers_200(self.settings.host, self.settings.mailbox_port, "/health")
        return self._service("mailbox", ["-m", "devstack.mailbox"], ready)

    def worker(self) -> Service:
        file = self.folder / "worker.ready"
        return self._service("worker", ["worker.py"], file.exists, file)

    def api(self) -> Service:
        host, port = self.settings.host, self.settings.api_port
        command = ["-m", "uvicorn", "api.app:create_app", "--factory", "--host", host, "--port", str(port)]
        flags = ["--no-access-log", "--timeout-graceful-shutdown", "3", "--ws-max-size", "65536"]
        return self._service("api", [*command, *flags], answers_200(host, port, "/health/ready"))

    def _service(
        self, name: str, arguments: list[str], is_ready: Callable[[], bool], ready_file: Path | None = None
    ) -> Service:
        environment = self._environment | ({"TILLWRIGHT_READY_FILE": str(ready_file)} if ready_file else {})
        log = self._log(name)
        return Service(name, arguments, log=log, environment=environment, is_ready=is_ready, ready_file=ready_file)

    def _step(self, name: str, *module: str, on_terminal: bool = False) -> Step:
        log = self._log(name)
        return Step(name, ["-m", *module], log=log, environment=self._environment, on_terminal=on_terminal)

    @property
    def _environment(self) -> dict[str, str]:
        """The children's settings, those of the devstack included: the sandbox and the loading read them."""
        own = {f"TILLWRIGHT_DEV_{name.upper()}": str(value) for name, value in self.settings.model_dump().items()}
        own["TILLWRIGHT_DEV_STATE_FOLDER"] = str(self.folder)
        python = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}  # compiling at every start takes seconds
        return {**own, **self.settings.application_environment, **python}

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def migrate(self) -> Step:
        return self._step("migrate", "alembic", "upgrade", "head")

    def search_attributes(self) -> Step:
        return self._step("search-attributes", "core.search_attributes")

    def demo_catalogue(self) -> Step:
        return self._step("demo-catalogue", "devstack.demo.load", on_terminal=self._on_terminal)

    def demo_stamp(self) -> Stamp:
        """Current while nothing changed that the loading depends on."""
        sources = [ROOT / "devstack" / "demo", ROOT / "migrations" / "versions"]
        return Stamp(self.folder / "demo-loaded.txt", sources)
