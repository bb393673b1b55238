"""Idempotency keys as Stripe documents them: the first answer of a key is the answer of the key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from devstack.sandbox import errors
from devstack.sandbox.journal import Journal

RETENTION = 24 * 3600
"""Seconds that an answer is kept: Stripe promises no more."""
LONGEST_KEY = 255


@dataclass(frozen=True)
class KeyedRequest:
    """What a key stands for. The parameters count as a hash, in any order: nothing of them is stored."""

    key: str
    path: str
    fingerprint: str

    @classmethod
    def of(cls, key: str, path: str, encoded: bytes) -> "KeyedRequest":
        """Raises Refusal for a key that is too long."""
        if len(key) > LONGEST_KEY:
            raise errors.invalid(f"An idempotency key has up to {LONGEST_KEY} characters.")
        in_order = b"&".join(sorted(encoded.split(b"&")))
        return cls(key, path, sha256(in_order).hexdigest())


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    body: bytes
    request: str
    """The id of the request that was answered so."""


class Keys:
    """Kept answers are in the journal; which keys are being worked on dies with the process, as the work does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._working: dict[str, KeyedRequest] = {}
        with journal.transaction():
            journal.run("DELETE FROM keys WHERE created < ?", time.time() - RETENTION)

    def kept(self, request: KeyedRequest) -> KeptAnswer | None:
        """Raises Refusal where the key came with another request."""
        row = self._journal.run(
            "SELECT path, fingerprint, status, body, request FROM keys WHERE key = ? AND created >= ?",
            request.key, time.time() - RETENTION,
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        path, fingerprint, *answer = row
        _require_same(request, KeyedRequest(request.key, path, fingerprint))
        return KeptAnswer(*answer)

    @contextmanager
    def working(self, request: KeyedRequest) -> Iterator[None]:
        """Raises Refusal while another request with this key is worked on."""
        if other := self._working.get(request.key):
            _require_same(request, other)
            raise errors.key_in_use()
        self._working[request.key] = request
        try:
            yield
        finally:
            del self._working[request.key]

    def keep(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        self._journal.run(
            "INSERT OR REPLACE INTO keys (key, path, fingerprint, request, status, body, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            request.key, request.path, request.fingerprint, answer.request, answer.status, answer.body, time.time(),
        )  # fmt: skip


def _require_same(request: KeyedRequest, first: KeyedRequest) -> None:
    if request.path != first.path:
        raise errors.key_reused(f"another path ({first.path})")
    if request.fingerprint != first.fingerprint:
        raise errors.key_reused("other parameters")
