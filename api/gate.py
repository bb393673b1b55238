"""What Redis decides about a request, in one round trip: its rate limits, whether its session has ended, and one more
question of the route's own. It opens by itself when Redis is away, but for signing in, which this process then counts.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Depends, Request
from fastapi.requests import HTTPConnection

from api import metrics
from api.dependencies import PresentedDep, ResourcesDep, host_of
from api.tokens import Caller
from core.redis import REDIS_AWAY
from core.settings import Settings
from domain.errors import RateLimited
from services.limits import Allowance, Limit
from services.sessions import ended_key

PATIENCE = 0.5
"""Seconds that a request waits for a Redis that does not answer, before it goes on without."""

MINUTE = timedelta(minutes=1)

log = structlog.get_logger()


class Kind(StrEnum):
    """What a request counts as. Reads and writes need no declaration: the method tells them apart."""

    READ = "reads"
    WRITE = "writes"
    CHECKOUT = "checkouts"
    SIGN_IN = "sign-ins"
    """What anyone may send to learn or guess a secret: counted per address, whoever the token speaks for."""
    FREE = "free"
    """Not counted, and no trip to Redis."""


@dataclass(frozen=True)
class Passed:
    """`reply` answers the route's own question; None when there was none, or when Redis did not answer."""

    reply: Any = None


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Question = Callable[[Request, Caller | None], Sequence[str] | None]

_kinds: dict[Callable[..., Any], Kind] = {}
_questions: dict[Callable[..., Any], Question] = {}


def counts_as(kind: Kind) -> Callable[[Endpoint], Endpoint]:
    """Declares it of a route: stands below `@router.post(…)`."""

    def declare(endpoint: Endpoint) -> Endpoint:
        _kinds[endpoint] = kind
        return endpoint

    return declare


def asks(question: Question) -> Callable[[Endpoint], Endpoint]:
    """Has one more Redis command, such as `("HGETALL", key)`, sent in the gate's trip: `PassedDep` brings the reply."""

    def declare(endpoint: Endpoint) -> Endpoint:
        _questions[endpoint] = question
        return endpoint

    return declare


def kind_of(endpoint: Callable[..., Any], method: str) -> Kind:
    return _kinds.get(endpoint) or (Kind.READ if method in ("GET", "HEAD") else Kind.WRITE)


async def pass_gate(request: Request, resources: ResourcesDep, presented: PresentedDep) -> Passed:
    """Raises RateLimited. That a session has ended is noted, and raised where somebody asks for a caller."""
    caller = presented if isinstance(presented, Caller) else None
    endpoint = request.scope["endpoint"]
    kind = kind_of(endpoint, request.method)
    if kind is Kind.FREE:
        return Passed()
    limits = limits_of(resources.settings, kind, caller, address_of(request))
    session_id = caller.session_id if caller and kind is not Kind.SIGN_IN else None
    question = _questions.get(endpoint)
    command = question(request, caller) if question else None
    commands: list[Sequence[str]] = [("EXISTS", ended_key(session_id))] if session_id else []
    commands += [command] if command else []
    try:
        async with asyncio.timeout(PATIENCE):
            allowance, replies = await resources.limiter.take_and(limits, *commands)
    except REDIS_AWAY as error:
        log.warning("gate.open", kind=kind, error=type(error).__name__)
        metrics.GATE_OPEN.labels(kind).inc()
        if kind is Kind.SIGN_IN:
            admit(request, kind, await resources.local_limiter.take(limits))
        return Passed()
    admit(request, kind, allowance)
    if session_id and replies[0]:
        request.scope["state"]["session_ended"] = True
    return Passed(replies[-1] if command else None)


def limits_of(settings: Settings, kind: Kind, caller: Caller | None, address: str) -> list[Limit]:
    if kind is Kind.SIGN_IN:
        return [Limit("address-sign-ins", address, settings.address_sign_ins_per_minute, MINUTE)]
    if caller is None:
        amounts = {Kind.READ: settings.address_reads_per_minute, Kind.WRITE: settings.address_writes_per_minute}
        # A checkout without a good token is refused anyway.
        return [Limit(f"address-{kind}", address, amounts.get(kind, settings.address_writes_per_minute), MINUTE)]
    amounts = {
        Kind.READ: settings.reads_per_minute,
        Kind.WRITE: settings.writes_per_minute,
        Kind.CHECKOUT: settings.checkouts_per_minute,
    }
    return [Limit(kind, str(caller.id), amounts[kind], MINUTE)]


def admit(request: Request, kind: Kind, allowance: Allowance) -> None:
    """What the answer says about limits is of the last that was asked. Raises RateLimited."""
    request.scope["state"]["allowance"] = allowance
    if not allowance.is_allowed:
        metrics.RATE_LIMITED.labels(kind).inc()
        wait = allowance.retry_after
        raise RateLimited(f"Too many {kind} for now: try again in {wait} s.", retry_after=wait)


def address_of(request: HTTPConnection) -> str:
    """Who is counted as one sender where nobody is signed in: an IPv4 address, or a whole IPv6 network of 64 bits."""
    return _network(host_of(request) or "unknown")


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


GATE = Depends(pass_gate)
PassedDep = Annotated[Passed, GATE]
