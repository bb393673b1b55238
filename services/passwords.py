"""Password hashes: argon2id by libpass, computed in threads and a few at a time, so that the event loop goes on."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from passlib.hash import argon2

SHORTEST = 10
"""Characters of a new password."""

argon2.set_backend("argon2_cffi")  # now: it changes its class when it loads, which two first uses at once would see
_hasher = argon2.using(type="ID", memory_cost=19456, time_cost=2, parallelism=1)
# 19 MiB a hash: as many at once as there are cores, the rest wait.
_threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="argon2")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """False for a wrong password, and after the same work where there is no account (None) or no password (`!`)."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, password, password_hash)


def _hash(password: str) -> str:
    return str(_hasher.hash(password))


def _verify(password: str, password_hash: str | None) -> bool:
    has_one = password_hash is not None and argon2.identify(password_hash)
    matches = bool(_hasher.verify(password, password_hash if has_one else _nobodys_hash()))
    return matches and has_one


@cache
def _nobodys_hash() -> str:
    return _hash("nobody has this password")
