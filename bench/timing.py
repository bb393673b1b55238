"""Taking the time of calls, one after another or several at once, each of them by a client of its own thread."""

import http.client
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from statistics import quantiles
from typing import Any, Self
from uuid import uuid4

import orjson

WARM_UP = 10
"""Calls that are made first and not counted: connections, prepared statements, caches."""

IDLE = 3.0
"""Seconds: uvicorn hangs up after 5."""


@dataclass(frozen=True)
class Taken:
    """`each` are the milliseconds of every call, `seconds` those of all together."""

    each: Sequence[float]
    seconds: float

    def percentile(self, percent: int) -> float:
        return quantiles(self.each, n=100, method="inclusive")[percent - 1]

    @property
    def median(self) -> float:
        return self.percentile(50)

    @property
    def per_second(self) -> float:
        return len(self.each) / self.seconds


class Client:
    """One connection to the API, with a token or without. The standard library's: it takes the least time itself."""

    def __init__(self, host: str, port: int, token: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._used_at = 0.0

    def call(self, method: str, path: str, body: object = None, *, is_keyed: bool = False) -> Any:
        """The answer's JSON. Raises RuntimeError for one that is not good."""
        headers = self._headers | ({"Idempotency-Key": uuid4().hex} if is_keyed else {})
        content = None if body is None else orjson.dumps(body)
        if time.monotonic() - self._used_at > IDLE:
            self._connection.close()
        self._used_at = time.monotonic()
        self._connection.request(method, f"/api/v1{path}", content, headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status >= 300:  # a 202 that became slow counts, a refusal does not
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {told[:300].decode()}")
        return orjson.loads(told) if told else None

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def one_after_another(calls: Iterable[Callable[[], object]], *, warm_up: int = WARM_UP) -> Taken:
    calls = list(calls)
    for call in calls[:warm_up]:
        call()
    started = time.perf_counter()
    each = [_milliseconds(call) for call in calls[warm_up:]]
    return Taken(each, time.perf_counter() - started)


def at_once(rows: Sequence[Sequence[Callable[[], object]]]) -> Taken:
    """Each row of calls in a thread of its own."""

    def run(row: Sequence[Callable[[], object]]) -> list[float]:
        return [_milliseconds(call) for call in row]

    with ThreadPoolExecutor(len(rows)) as pool:
        started = time.perf_counter()
        each = list(chain.from_iterable(pool.map(run, rows)))
        return Taken(each, time.perf_counter() - started)


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
