"""Ports: free ones for tests, and a clear word about those that are taken."""

import random
import socket
from pathlib import Path


class PortTaken(Exception):
    """Somebody else listens where a server of the stack should; the message says what to do."""

    def __init__(self, port: int, needed_by: str, setting: str) -> None:
        holder = _holder_of(port)
        super().__init__(
            f"Port {port}, which {needed_by} needs, is taken{f' by {holder}' if holder else ''}. "
            f"Stop what listens there, or choose another port: {setting}={port + 1} make dev"
        )


_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where the kernel takes no port for a connection, which would be gone again before a server can have it."""

_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on at this moment, another one at each call."""
    while True:
        port = random.choice(_BELOW_EPHEMERAL)  # noqa: S311 — not a secret
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        _given.add(port)
        return port


def require_free(host: str, port: int, needed_by: str, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(port, needed_by, setting) from None


def is_listening(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def _holder_of(port: int) -> str | None:
    """`name (pid 123)` of the listening process, where /proc tells."""
    inodes = _listening_inodes(port)
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if descriptor.readlink().name in inodes:
                pid = descriptor.parts[2]
                return f"{Path('/proc', pid, 'comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if int(fields[1].rsplit(":", 1)[1], 16) == port and fields[3] == "0A":
                found.add(f"socket:[{fields[9]}]")
    return found
