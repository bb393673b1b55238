"""R1: the search index = the catalogue. Every document is looked over where it lies, and none is sent."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from services.invariants import SHOWN_OFFENDERS, Finding
from services.search.documents import fingerprints
from services.search.index import ALIAS, key_of, live_generation

MEANING = "the search index = the catalogue, and every document is whole (at rest)"

AT_ONCE = 250
"""Documents in one script, which holds Redis up for a few milliseconds."""

# What each was made from, and nothing where it no longer is what it was when it was written: its seal is of its
# values in the order of their names, as services/search/documents.py makes it.
_LOOK = """
local found = {}
for at, key in ipairs(KEYS) do
    local fields, names, values, seal = redis.call('HGETALL', key), {}, {}, ''
    local by_name = {}
    for pair = 1, #fields, 2 do
        if fields[pair] == 'seal' then seal = fields[pair + 1] else
            names[#names + 1] = fields[pair]
            by_name[fields[pair]] = fields[pair + 1]
        end
    end
    table.sort(names)
    for place, name in ipairs(names) do values[place] = by_name[name] end
    found[at] = redis.sha1hex(table.concat(values, '\\30')) == seal and by_name.fingerprint or ''
end
return found
"""
_COUNT = "return redis.call('FT.SEARCH', KEYS[1], '*', 'LIMIT', '0', '0')[1]"


async def compare(session: AsyncSession, redis: Redis) -> Finding:
    """Offenders are products, and `index` where there is none, or one that has not taken in what is written."""
    expected = await fingerprints(session)
    try:
        offenders = await _differences(redis, expected)
    except (RedisError, OSError):
        offenders = ["index"]
    return Finding("R1", MEANING, len(expected), len(offenders), offenders[:SHOWN_OFFENDERS])


async def _differences(redis: Redis, expected: dict[str, str]) -> list[str]:
    generation = await live_generation(redis)
    if generation is None:
        return ["index"] if expected else []
    prefix = key_of(generation, "")
    keys = {key async for key in redis.scan_iter(f"{prefix}*", count=1000)}
    found = await _look(redis, sorted(keys))
    actual = {key.removeprefix(prefix): print_ for key, print_ in found.items()}
    offenders = sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))
    counted = await redis.eval(_COUNT, 1, ALIAS)
    return offenders if counted == len(actual) else ["index", *offenders]


async def _look(redis: Redis, keys: list[str]) -> dict[str, str]:
    look: Any = redis.register_script(_LOOK)
    found: dict[str, str] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        found |= dict(zip(some, await look(keys=some), strict=True))
    return found
