"""Events on their way: written with the change they tell of, deleted when they arrived, in order for each intent."""

import asyncio
import time
from dataclasses import dataclass

import orjson

from devstack.sandbox.journal import Journal
from devstack.sandbox.objects import Doc, shown

GIVE_UP_AFTER = 3 * 24 * 3600
"""Seconds, as Stripe does."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
"""Seconds between deliveries: each wait is twice the one before."""


@dataclass(frozen=True)
class Delivery:
    seq: int
    intent_id: str
    event: Doc
    attempts: int

    @property
    def payload(self) -> bytes:
        return orjson.dumps(shown(self.event))


class Outbox:
    def __init__(self, journal: Journal) -> None:
        """What an earlier process left is due at once: those who could not listen then may listen now."""
        self._journal = journal
        self.news = asyncio.Event()
        """Set whenever there may be something to do."""
        with journal.transaction():
            journal.run("UPDATE outbox SET due = 0, held = 0, attempts = 0")

    def add(self, event: Doc, intent_id: str) -> None:
        now = time.time()
        self._journal.run(
            "INSERT INTO outbox (event, intent, created, due) VALUES (?, ?, ?, ?)", event["id"], intent_id, now, now
        )
        self.news.set()

    def due(self, now: float, busy: set[str], limit: int) -> list[Delivery]:
        """The first event of each intent, where its time has come and nobody is `busy` with the intent."""
        rows = self._journal.run(
            """SELECT o.seq, o.intent, o.attempts, e.body FROM outbox o JOIN objects e ON e.id = o.event
               WHERE o.due <= ? AND o.seq = (SELECT min(seq) FROM outbox i
                                             WHERE i.intent = o.intent AND NOT (i.held AND i.due > ?))
               ORDER BY o.seq LIMIT ?""",
            now, now, limit + len(busy),
        )  # fmt: skip
        free = [row for row in rows if row[1] not in busy][:limit]
        return [Delivery(seq, intent, orjson.loads(body), attempts) for seq, intent, attempts, body in free]

    def seconds_to_next(self, now: float) -> float | None:
        """Until something becomes due that was not at `now`; None where nothing waits."""
        (due,) = self._journal.run("SELECT min(due) FROM outbox WHERE due > ?", now).fetchone()
        return None if due is None else max(0.0, due - time.time())

    def arrived(self, delivery: Delivery) -> None:
        with self._journal.transaction():
            self._journal.run("DELETE FROM outbox WHERE seq = ?", delivery.seq)
            self._journal.run("UPDATE outbox SET due = 0, held = 0 WHERE intent = ? AND held", delivery.intent_id)

    def failed(self, delivery: Delivery) -> None:
        """Again later, or given up."""
        wait = min(FIRST_WAIT * 2 ** min(delivery.attempts, 20), LONGEST_WAIT)
        now = time.time()
        with self._journal.transaction():
            self._journal.run(
                "UPDATE outbox SET attempts = attempts + 1, due = ? WHERE seq = ?", now + wait, delivery.seq
            )
            self._journal.run("DELETE FROM outbox WHERE seq = ? AND created < ?", delivery.seq, now - GIVE_UP_AFTER)

    def hold(self, delivery: Delivery, seconds: float) -> None:
        """Let the next event of the intent overtake this one."""
        with self._journal.transaction():
            self._journal.run("UPDATE outbox SET held = 1, due = ? WHERE seq = ?", time.time() + seconds, delivery.seq)

    def waiting(self) -> int:
        return int(self._journal.run("SELECT count(*) FROM outbox").fetchone()[0])
