"""The provider's books on disk: SQLite, one process, one connection, one thread.

A transaction is plain synchronous code, so nothing else of the process runs in between: two requests for one intent
cannot both find it unpaid. It is synced to disk before it is acknowledged, together with the answer that its
idempotency key will replay and the events that are to be delivered.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from devstack.sandbox.objects import Doc

FILE = "journal.sqlite"
LAST, ALL = 2**62, -1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, intent TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (intent, kind, seq);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL, request TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, intent TEXT NOT NULL, created REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, held INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_by_intent ON outbox (intent, seq);
CREATE TABLE IF NOT EXISTS outages (subject TEXT PRIMARY KEY, tries INTEGER NOT NULL);
"""


class JournalInUse(Exception):
    """Another sandbox has this journal open."""


class Journal:
    def __init__(self, folder: Path) -> None:
        """Raises JournalInUse."""
        folder.mkdir(parents=True, exist_ok=True)
        # A second of patience: a sandbox that was just killed may still be ending.
        self._database = sqlite3.connect(folder / FILE, timeout=1, isolation_level=None)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._database.close()
            raise JournalInUse(f"{folder / FILE} cannot be opened ({error}). Does another sandbox run?") from error

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """On disk at the end of the block, undone when it raises. Nothing in it may await."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def add(self, doc: Doc, intent_id: str) -> None:
        self.run(
            "INSERT INTO objects (id, kind, intent, body) VALUES (?, ?, ?, ?)",
            doc["id"], doc["object"], intent_id, orjson.dumps(doc).decode(),
        )  # fmt: skip

    def save(self, doc: Doc) -> None:
        self.run("UPDATE objects SET body = ? WHERE id = ?", orjson.dumps(doc).decode(), doc["id"])

    def find(self, object_id: str, kind: str | None = None) -> Doc | None:
        row = self.run("SELECT body, kind FROM objects WHERE id = ?", object_id).fetchone()
        return orjson.loads(row[0]) if row and kind in (None, row[1]) else None

    def place_of(self, object_id: str, kind: str) -> int | None:
        """Grows with each object."""
        row = self.run("SELECT seq FROM objects WHERE id = ? AND kind = ?", object_id, kind).fetchone()
        return row[0] if row else None

    def older(self, kind: str, than: int = LAST, limit: int = ALL, intent_id: str | None = None) -> list[Doc]:
        """Newest first."""
        statement = """SELECT body FROM objects WHERE kind = ? AND seq < ? AND intent = coalesce(?, intent)
                       ORDER BY seq DESC LIMIT ?"""
        return [orjson.loads(body) for (body,) in self.run(statement, kind, than, intent_id, limit)]

    def newer(self, kind: str, than: int, limit: int, intent_id: str | None = None) -> list[Doc]:
        """Oldest first."""
        statement = """SELECT body FROM objects WHERE kind = ? AND seq > ? AND intent = coalesce(?, intent)
                       ORDER BY seq LIMIT ?"""
        return [orjson.loads(body) for (body,) in self.run(statement, kind, than, intent_id, limit)]

    def count_outage(self, subject: str) -> int:
        """Which try of this subject it is, from 1."""
        statement = """INSERT INTO outages VALUES (?, 1)
                       ON CONFLICT (subject) DO UPDATE SET tries = tries + 1 RETURNING tries"""
        return int(self.run(statement, subject).fetchall()[0][0])
