"""A sandbox provider for each module that does not start one of its own kind."""

from collections.abc import Iterator

import pytest

from tests.sandbox import SandboxServer, running_sandbox


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture
def sandbox(server: SandboxServer) -> SandboxServer:
    """Alive, whatever the test before did to it, and with no knob set."""
    if not server.process.is_alive:
        server.start()
    server.clear_faults()
    return server
