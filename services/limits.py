"""How often somebody may do something: a sliding window in Redis, and one in this process for when Redis is away."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

SLICES = 12
"""A window is kept in as many parts and one leaves it whole: never more than the amount in any period, at the price of
a wait that is up to a twelfth longer."""

_TAKE = """
local slices, time = tonumber(ARGV[1]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local windows, allowed = {}, 1
for i, key in ipairs(KEYS) do
    local amount, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local width = period / slices
    local slice = math.floor(now / width)
    local used, oldest, newest, fields = 0, nil, nil, redis.call('HGETALL', key)
    for j = 1, #fields, 2 do
        local start = tonumber(fields[j])
        if start < slice - slices then
            redis.call('HDEL', key, fields[j])
        else
            used = used + tonumber(fields[j + 1])
            if not oldest or start < oldest then oldest = start end
            if not newest or start > newest then newest = start end
        end
    end
    if used >= amount then allowed = 0 end
    windows[i] = {used, oldest or slice, newest or slice, width, slice, period}
end
local reply = {allowed}
for i, key in ipairs(KEYS) do
    local used, oldest, newest, width, slice, period = unpack(windows[i])
    if allowed == 1 then
        redis.call('HINCRBY', key, slice, 1)
        redis.call('PEXPIRE', key, math.ceil(period + width))
        used, newest = used + 1, slice
    end
    reply[i + 1] = {
        used, math.ceil((oldest + slices + 1) * width - now), math.ceil((newest + slices + 1) * width - now)
    }
end
return reply
"""
"""Keys: one hash per limit, from the number of a slice to what was taken in it. Arguments: the slices of a window, then
each limit's amount and period in ms. Answers whether it is allowed, then for each limit what is taken by now, the ms
until its oldest slice leaves, and those until its newest does. By Redis's own clock."""


@dataclass(frozen=True)
class Limit:
    """`amount` per `period` for each `key`; the same key under another name is counted apart."""

    name: str
    key: str
    amount: int
    period: timedelta


@dataclass(frozen=True)
class Allowance:
    """What the tightest of the limits says. Seconds: `reset_after` until all of it is back, `retry_after` until there
    is something again, which is 0 when the request is allowed."""

    is_allowed: bool
    limit: Limit
    remaining: int
    reset_after: int
    retry_after: int


class Limiter:
    """All limits are looked at and then all are charged, or none when one of them is used up: one script, one trip."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_TAKE)

    async def take(self, limits: Sequence[Limit]) -> Allowance:
        """Raises `core.redis.REDIS_AWAY`."""
        allowance, _ = await self.take_and(limits)
        return allowance

    async def take_and(self, limits: Sequence[Limit], *commands: Sequence[str]) -> tuple[Allowance, list[Any]]:
        """The same, with the replies to more commands in the same round trip, whether it is allowed or not."""
        replies = await self._send("EVALSHA", self._script.sha, limits, commands)
        if isinstance(replies[0], NoScriptError):  # a Redis that was restarted: the text teaches it again
            replies = await self._send("EVAL", self._script.script, limits, commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return _read(limits, replies[0]), replies[1:]

    async def _send(self, verb: str, script: Any, limits: Sequence[Limit], commands: Sequence[Sequence[str]]) -> Any:
        keys = [f"limit:{limit.name}:{limit.key}" for limit in limits]
        sizes = [part for limit in limits for part in (limit.amount, int(limit.period.total_seconds() * 1000))]
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(verb, script, len(keys), *keys, SLICES, *sizes)
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute(raise_on_error=False)


def _read(limits: Sequence[Limit], reply: list[Any]) -> Allowance:
    is_allowed = reply[0] == 1
    found = [
        Allowance(
            is_allowed=is_allowed,
            limit=limit,
            remaining=max(limit.amount - used, 0),
            reset_after=ceil(full / 1000),
            retry_after=0 if used < limit.amount or is_allowed else ceil(wait / 1000),
        )
        for limit, (used, wait, full) in zip(limits, reply[1:], strict=True)
    ]
    return _the_tightest(found)


class LocalLimiter:
    """The same within this process, for what must not go unlimited while Redis is away. Forgets what has expired."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, limits: Sequence[Limit]) -> Allowance:
        """Looks at all before it charges any; of requests that race, one may be refused that was charged elsewhere."""
        items = [(limit, _item(limit)) for limit in limits]
        is_allowed = all([await self._windows.test(item, limit.key) for limit, item in items])
        if is_allowed:
            is_allowed = all([await self._windows.hit(item, limit.key) for limit, item in items])
        found = []
        for limit, item in items:
            frees_at, remaining = await self._windows.get_window_stats(item, limit.key)
            wait = max(ceil(frees_at - time.time()), 1)
            is_short = not is_allowed and remaining < 1
            found.append(Allowance(is_allowed, limit, max(remaining, 0), wait, wait if is_short else 0))
        return _the_tightest(found)


def _item(limit: Limit) -> RateLimitItem:
    return RateLimitItemPerSecond(limit.amount, int(limit.period.total_seconds()), namespace=limit.name)


def _the_tightest(found: Sequence[Allowance]) -> Allowance:
    return max(found, key=lambda allowance: (allowance.retry_after, -allowance.remaining))
