"""The embedded servers: what they are asked to keep survives kill -9, and Redis has its modules."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio

from devstack.servers import Postgres, Redis, TemporalServer
from devstack.servers.ports import free_port, is_listening
from devstack.servers.process import NotReady, Process
from devstack.servers.wheels import WheelMissing, file_of, package_folder

HOST, PASSWORD = "127.0.0.1", "a-password"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to all, unlike tmp_path: as root, Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="tillwright-servers-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def query(server: Postgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_keeps_its_data_through_kill_9(folder: Path) -> None:
    server = Postgres(folder, host=HOST, port=free_port(), password=PASSWORD)
    try:
        server.start()
        await query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
        server.start()
        assert await query(server, "SELECT answer FROM kept") == 42
        assert str(await query(server, "SHOW server_version")).startswith("18.")
        assert await query(server, "SHOW fsync") == "on"
    finally:
        server.stop()
        server.remove()
    assert not server.data.exists()


async def test_postgres_as_root_keeps_its_data_where_its_user_can_reach_it() -> None:
    closed = Path(tempfile.mkdtemp(prefix="tillwright-closed-"))  # mode 0700
    server = Postgres(closed / "state", host=HOST, port=free_port(), password=PASSWORD)
    try:
        server.start()
        assert await query(server, "SELECT 1") == 1
        wrong = Postgres(closed / "state", host=HOST, port=server.port, password="wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await query(wrong, "SELECT 1")
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(closed)
    assert not server.data.exists()


async def ask(server: Redis, *command: str, password: str | None = PASSWORD) -> Any:
    """Over a connection of its own: those of a pool would break when the server is restarted."""
    client: Any = redis.asyncio.Redis(host=HOST, port=server.port, password=password, decode_responses=True)
    async with client:
        return await client.execute_command(*command)


async def test_redis_runs_on_a_path_and_with_a_password_that_have_spaces(folder: Path) -> None:
    password = 'with a "space"'
    server = Redis(folder / "my shop", host=HOST, port=free_port(), password=password)
    server.start()
    try:
        assert await ask(server, "PING", password=password) is True
    finally:
        server.stop()


async def test_redis_keeps_its_data_and_has_json_and_search(folder: Path) -> None:
    server = Redis(folder, host=HOST, port=free_port(), password=PASSWORD)
    server.start()
    try:
        await ask(server, "JSON.SET", "cart", "$", '{"lines": 2}')
        await ask(server, "FT.CREATE", "carts", "ON", "JSON", "SCHEMA", "$.lines", "AS", "lines", "NUMERIC")
        server.stop()
        server.start()
        assert await ask(server, "JSON.GET", "cart", "$.lines") == "[2]"
        assert "carts" in await ask(server, "FT._LIST")
        with pytest.raises(redis.AuthenticationError):
            await ask(server, "PING", password=None)
    finally:
        server.stop()
    assert (folder / "redis.conf").stat().st_mode & 0o077 == 0, "it holds the password"


async def test_temporal_listens_and_stops(folder: Path) -> None:
    server = TemporalServer(folder, host=HOST, port=free_port(), ui_port=free_port())
    try:
        server.start()
        assert is_listening(HOST, server.ui_port)
    finally:
        await asyncio.to_thread(server.stop)
    assert not is_listening(HOST, server.port)
    assert (folder / "temporal.db").exists()


def test_a_server_that_cannot_start_quotes_its_log(folder: Path) -> None:
    first = Redis(folder / "first", host=HOST, port=free_port(), password=PASSWORD)
    second = Redis(folder / "second", host=HOST, port=first.port, password="another")
    first.start()
    try:
        with pytest.raises(NotReady, match=r"(?s)redis ended with exit code 1.*Address already in use"):
            second.start()
    finally:
        first.stop()


def test_a_process_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    process = Process("stubborn", ["sh", "-c", "trap '' TERM; echo up; sleep 60"], log=tmp_path / "stubborn.log")
    process.start()
    process.wait_ready(lambda: "up" in process.log.read_text())
    process.stop(timeout=0.2)
    assert process.exit_code == -9


def test_a_missing_wheel_says_what_to_do() -> None:
    with pytest.raises(WheelMissing, match=r"no-such-wheel is not installed .*docker compose up"):
        file_of("no-such-wheel", "server")
    with pytest.raises(WheelMissing):
        package_folder("no_such_module", "no-such-wheel")
