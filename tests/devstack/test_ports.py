"""Ports that are taken are named with their holder and a way out."""

import os
import socket

import pytest

from devstack.servers.ports import PortTaken, free_port, is_listening, require_free

HOST = "127.0.0.1"


def test_a_free_port_is_free() -> None:
    port = free_port()
    require_free(HOST, port, "the API", "TILLWRIGHT_DEV_API_PORT")
    assert not is_listening(HOST, port)


def test_a_taken_port_says_who_holds_it_and_what_to_do() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert is_listening(HOST, port)
        with pytest.raises(PortTaken) as error:
            require_free(HOST, port, "the API", "TILLWRIGHT_DEV_API_PORT")
    message = str(error.value)
    assert f"Port {port}, which the API needs" in message
    assert f"pid {os.getpid()}" in message
    assert f"TILLWRIGHT_DEV_API_PORT={port + 1}" in message


def test_a_port_whose_connections_linger_counts_as_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)):
            accepted, _ = server.accept()
            accepted.close()
    require_free(HOST, port, "the API", "TILLWRIGHT_DEV_API_PORT")
