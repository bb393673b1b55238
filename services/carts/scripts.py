"""The Lua scripts of the carts. A cart is the hash `cart:{owner}`: id, version, currency, next, and for each SKU
its quantity `q:SKU` and its place in the list `p:SKU`. Each script answers [word, HGETALL, PTTL].
"""

_ANSWER = """
local function answer(word)
    return {word, redis.call('HGETALL', KEYS[1]), redis.call('PTTL', KEYS[1])}
end
local function open(id, lifetime)
    redis.call('HSET', KEYS[1], 'id', id, 'version', 0, 'next', 0)
    redis.call('PEXPIRE', KEYS[1], lifetime)
end
local function exists() return redis.call('EXISTS', KEYS[1]) == 1 end
local function lines()
    local count = 0
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
        if string.sub(field, 1, 2) == 'q:' then count = count + 1 end
    end
    return count
end
local function touch(lifetime)
    redis.call('HINCRBY', KEYS[1], 'version', 1)
    redis.call('PEXPIRE', KEYS[1], lifetime)
    if lines() == 0 then redis.call('HDEL', KEYS[1], 'currency') end
end
"""

OPEN = (
    _ANSWER
    + """
local id, lifetime = ARGV[1], ARGV[2]
local word = exists() and 'there' or 'new'
if word == 'new' then open(id, lifetime) end
if KEYS[2] then
    local seen = redis.call('GET', KEYS[2])
    if seen then
        if string.sub(seen, 1, 5) ~= 'open:' then return answer('idempotency-key-reused') end
        return answer('replayed-' .. string.sub(seen, 6))
    end
    redis.call('SET', KEYS[2], 'open:' .. word, 'EX', 86400)
end
return answer(word)
"""
)
"""Keys: the cart, and the marker of an Idempotency-Key where there is one. Argument: an id for a new cart, its lifetime
in ms. Words: new, there; replayed-new and replayed-there for a key that was answered so before."""

ADD = (
    _ANSWER
    + """
local id, lifetime, expected, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local sku, quantity, currency = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local available, most_units, most_lines = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
if KEYS[2] then
    local seen = redis.call('GET', KEYS[2])
    if seen == fingerprint then
        if not exists() then open(id, lifetime) end
        return answer('replayed')
    end
    if seen then return answer('idempotency-key-reused') end
end
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if expected ~= '' and expected ~= version then return answer('stale') end
local have = tonumber(redis.call('HGET', KEYS[1], 'q:' .. sku) or '0')
local held = redis.call('HGET', KEYS[1], 'currency')
if held and held ~= currency then return answer('currency-mismatch') end
if have + quantity > most_units then return answer('quantity-out-of-range') end
if have + quantity > available then return answer('out-of-stock') end
if have == 0 and lines() >= most_lines then return answer('too-many-lines') end
if not exists() then open(id, lifetime) end
if have == 0 then
    redis.call('HSET', KEYS[1], 'p:' .. sku, redis.call('HINCRBY', KEYS[1], 'next', 1))
end
redis.call('HSET', KEYS[1], 'q:' .. sku, have + quantity, 'currency', currency)
touch(lifetime)
if KEYS[2] then redis.call('SET', KEYS[2], fingerprint, 'EX', 86400) end
return answer('ok')
"""
)
"""Keys: the cart, and the marker of an Idempotency-Key where there is one."""

SET = (
    _ANSWER
    + """
local lifetime, expected, sku, quantity, available = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('HEXISTS', KEYS[1], 'q:' .. sku) == 0 then return answer('not-found') end
if expected ~= '' and expected ~= redis.call('HGET', KEYS[1], 'version') then return answer('stale') end
if quantity > available then return answer('out-of-stock') end
if quantity == 0 then
    redis.call('HDEL', KEYS[1], 'q:' .. sku, 'p:' .. sku)
else
    redis.call('HSET', KEYS[1], 'q:' .. sku, quantity)
end
touch(lifetime)
return answer('ok')
"""
)
"""Set a line's quantity; 0 removes it."""

FORGET = (
    _ANSWER
    + """
local expected = ARGV[1]
if expected ~= '' and expected ~= (redis.call('HGET', KEYS[1], 'version') or '') then return answer('stale') end
redis.call('DEL', KEYS[1])
return answer('ok')
"""
)
"""Argument: the version that was read, or nothing."""

TAKE = (
    _ANSWER
    + """
local id, lifetime = ARGV[1], ARGV[2]
if redis.call('EXISTS', KEYS[2]) == 1 then return answer('there') end
if redis.call('HGET', KEYS[1], 'id') ~= id then return answer('gone') end
for i = 3, #ARGV, 2 do
    local sku, quantity = ARGV[i], tonumber(ARGV[i + 1])
    local have = tonumber(redis.call('HGET', KEYS[1], 'q:' .. sku) or '0')
    if have > quantity then
        redis.call('HSET', KEYS[1], 'q:' .. sku, have - quantity)
    else
        redis.call('HDEL', KEYS[1], 'q:' .. sku, 'p:' .. sku)
    end
end
touch(lifetime)
redis.call('SET', KEYS[2], '1', 'EX', 2592000)
return answer('ok')
"""
)
"""Take an order's lines out of the cart, once: the second key remembers the order for 30 days."""
