"""Password hashes: argon2id, never on the event loop's own thread, and the same work where there is no account."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from services import passwords
from services.passwords import hash_password, verify_password


class CountingHasher:
    """Stands in for the module's hasher: does its work and notes on which thread."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.threads: list[str] = []

    def verify(self, password: str, password_hash: str) -> bool:
        self.threads.append(threading.current_thread().name)
        return bool(self.real.verify(password, password_hash))

    def hash(self, password: str) -> str:
        self.threads.append(threading.current_thread().name)
        return str(self.real.hash(password))


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", counting)
    return counting


async def test_a_hash_is_argon2id_of_the_strength_that_is_meant() -> None:
    assert (await hash_password("correct horse")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_password_matches_its_own_hash_alone() -> None:
    known = await hash_password("correct horse")
    assert await verify_password("correct horse", known)
    for wrong in ("correct horse ", "Correct horse", "", "correct horsé", "x" * 1000):
        assert not await verify_password(wrong, known)


async def test_the_same_password_never_has_the_same_hash() -> None:
    assert await hash_password("correct horse") != await hash_password("correct horse")


async def test_a_password_may_be_any_text() -> None:
    for password in ("пароль-пароль", "🔐" * 20, "a" * 500):
        assert await verify_password(password, await hash_password(password))


async def test_an_unknown_user_costs_as_much_work_as_a_known_one(hasher: CountingHasher) -> None:
    known = await hash_password("correct horse")
    await verify_password("anything", None)  # the first one makes nobody's hash, once per process
    hasher.threads.clear()
    assert not await verify_password("wrong", known)
    work_for_a_known_user = len(hasher.threads)
    assert not await verify_password("wrong", None)
    assert len(hasher.threads) == 2 * work_for_a_known_user == 2


async def test_nobody_signs_in_with_the_password_behind_nobodys_hash() -> None:
    assert not await verify_password("nobody has this password", None)


async def test_hashing_leaves_the_event_loop_alone(hasher: CountingHasher) -> None:
    await verify_password("correct horse", await hash_password("correct horse"))
    assert len(hasher.threads) == 2
    assert all(name.startswith("argon2") for name in hasher.threads)


def test_the_first_of_all_logins_may_be_one_of_nobody() -> None:
    """The hasher's backend loads at its first use: a process of its own, in which this is the first."""
    code = "import asyncio; from services.passwords import verify_password as v; print(asyncio.run(v('a guess', None)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
