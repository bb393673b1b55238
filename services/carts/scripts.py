"""The Lua scripts of the carts. A cart is the hash `cart:{owner}`: id, version, currency, next, expires (ms since
1970), and for each SKU its quantity `q:SKU`, its place in the list `p:SKU`, and the unit price of the moment when the
line was last set, `u:SKU`. Each script answers [word, HGETALL]; gone is the word for a cart that may not be opened.
"""

_ANSWER = """
local function answer(word) return {word, redis.call('HGETALL', KEYS[1])} end
local function exists(key) return redis.call('EXISTS', key) == 1 end
local function lines(key)
    local found = {}
    for _, field in ipairs(redis.call('HKEYS', key)) do
        if string.sub(field, 1, 2) == 'q:' then table.insert(found, string.sub(field, 3)) end
    end
    return found
end
local function renew(key, lifetime)
    local now = redis.call('TIME')
    local ends = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + lifetime)
    redis.call('HSET', key, 'expires', ends)
    redis.call('PEXPIREAT', key, ends)
end
local function open(id, lifetime)
    redis.call('HSET', KEYS[1], 'id', id, 'version', 0, 'next', 0)
    renew(KEYS[1], lifetime)
end
local function touch(key, lifetime)
    redis.call('HINCRBY', key, 'version', 1)
    renew(key, lifetime)
    if #lines(key) == 0 then redis.call('HDEL', key, 'currency') end
end
local function units(key, sku) return tonumber(redis.call('HGET', key, 'q:' .. sku) or '0') end
local function put(key, sku, quantity, price, currency)
    if redis.call('HEXISTS', key, 'q:' .. sku) == 0 then
        redis.call('HSET', key, 'p:' .. sku, redis.call('HINCRBY', key, 'next', 1))
    end
    redis.call('HSET', key, 'q:' .. sku, quantity, 'u:' .. sku, price, 'currency', currency)
end
local function drop(key, sku) redis.call('HDEL', key, 'q:' .. sku, 'p:' .. sku, 'u:' .. sku) end
local function is_stale(expected)
    return expected ~= '' and expected ~= (redis.call('HGET', KEYS[1], 'version') or '0')
end
"""

OPEN = (
    _ANSWER
    + """
local id, lifetime = ARGV[1], ARGV[2]
local seen = KEYS[2] and redis.call('GET', KEYS[2])
if seen and string.sub(seen, 1, 5) ~= 'open:' then return answer('idempotency-key-reused') end
local word = exists(KEYS[1]) and 'there' or 'new'
if word == 'new' then
    if id == '' then return answer('gone') end
    open(id, lifetime)
end
if seen then return answer('replayed-' .. string.sub(seen, 6)) end
if KEYS[2] then redis.call('SET', KEYS[2], 'open:' .. word, 'EX', 86400) end
return answer(word)
"""
)
"""Keys: the cart, and the marker of an Idempotency-Key where there is one. Arguments: an id for a new cart, or nothing
where none may be opened; its lifetime in ms. Words: new, there; replayed-new and replayed-there for a key that was
answered so before."""

ADD = (
    _ANSWER
    + """
local id, lifetime, expected, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local sku, quantity, price, currency = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]
local available, most_units, most_lines = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local seen = KEYS[2] and redis.call('GET', KEYS[2])
if seen and seen ~= fingerprint then return answer('idempotency-key-reused') end
if id == '' and not exists(KEYS[1]) then return answer('gone') end
if seen then
    if not exists(KEYS[1]) then open(id, lifetime) end
    return answer('replayed')
end
if is_stale(expected) then return answer('stale') end
if currency == '' then return answer('not-found') end
local have = units(KEYS[1], sku)
local held = redis.call('HGET', KEYS[1], 'currency')
if held and held ~= currency then return answer('currency-mismatch') end
if have + quantity > most_units then return answer('quantity-out-of-range') end
if have + quantity > available then return answer('out-of-stock') end
if have == 0 and #lines(KEYS[1]) >= most_lines then return answer('too-many-lines') end
if not exists(KEYS[1]) then open(id, lifetime) end
put(KEYS[1], sku, have + quantity, price, currency)
touch(KEYS[1], lifetime)
if KEYS[2] then redis.call('SET', KEYS[2], fingerprint, 'EX', 86400) end
return answer('ok')
"""
)
"""Keys: the cart, and the marker of an Idempotency-Key where there is one. The currency of a SKU that is not sold is
empty: a request that was answered before is answered again all the same."""

SET = (
    _ANSWER
    + """
local lifetime, expected, sku, quantity = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local price, currency, available = ARGV[5], ARGV[6], tonumber(ARGV[7])
if not exists(KEYS[1]) then return answer('gone') end
if units(KEYS[1], sku) == 0 then return answer('not-found') end
if is_stale(expected) then return answer('stale') end
if quantity == 0 then
    drop(KEYS[1], sku)
else
    if currency == '' then return answer('not-found') end
    if currency ~= redis.call('HGET', KEYS[1], 'currency') then return answer('currency-mismatch') end
    if quantity > available then return answer('out-of-stock') end
    put(KEYS[1], sku, quantity, price, currency)
end
touch(KEYS[1], lifetime)
return answer('ok')
"""
)
"""Set a line's quantity; 0 removes it, whatever it costs."""

FORGET = (
    _ANSWER
    + """
local expected = ARGV[1]
if expected ~= '' and expected ~= redis.call('HGET', KEYS[1], 'version') then return answer('stale') end
return answer(redis.call('DEL', KEYS[1]) == 1 and 'ok' or 'gone')
"""
)
"""Argument: the version that was read, or nothing."""

TAKE = (
    _ANSWER
    + """
local id, lifetime = ARGV[1], ARGV[2]
if exists(KEYS[2]) then return answer('there') end
if redis.call('HGET', KEYS[1], 'id') ~= id then return answer('gone') end
for i = 3, #ARGV, 2 do
    local sku, quantity = ARGV[i], tonumber(ARGV[i + 1])
    local have = units(KEYS[1], sku)
    if have > quantity then
        redis.call('HSET', KEYS[1], 'q:' .. sku, have - quantity)
    else
        drop(KEYS[1], sku)
    end
end
touch(KEYS[1], lifetime)
redis.call('SET', KEYS[2], '1', 'EX', 2592000)
return answer('ok')
"""
)
"""Take an order's lines out of the cart, once: the second key remembers the order for 30 days."""

MERGE = (
    _ANSWER
    + """
local mine, theirs, merged, marker = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, lifetime, guest_lifetime, expected, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local most_units, most_lines = tonumber(ARGV[6]), tonumber(ARGV[7])
local seen = marker and redis.call('GET', marker)
local function refuse(word) return {word, {}, {}} end
if seen and seen ~= fingerprint then return refuse('idempotency-key-reused') end
if not seen then
    if not exists(theirs) and not exists(merged) then return refuse('gone') end
    if is_stale(expected) then return refuse('stale') end
end
if not exists(mine) then open(id, lifetime) end

local skus, place, moved, left = lines(theirs), {}, false, {}
for _, sku in ipairs(skus) do place[sku] = tonumber(redis.call('HGET', theirs, 'p:' .. sku)) end
table.sort(skus, function(one, other) return place[one] < place[other] end)
local currency = redis.call('HGET', theirs, 'currency')
local count, held = #lines(mine), redis.call('HGET', mine, 'currency') or currency
for _, sku in ipairs(skus) do
    local quantity, have, why = units(theirs, sku), units(mine, sku), 'quantity-out-of-range'
    local fits = math.max(0, math.min(quantity, most_units - have))
    if held ~= currency then
        why, fits = 'currency-mismatch', 0
    elseif have == 0 and count >= most_lines then
        why, fits = 'too-many-lines', 0
    end
    if fits > 0 then
        local price = redis.call('HGET', have > 0 and mine or theirs, 'u:' .. sku)
        put(mine, sku, have + fits, price, currency)
        if have == 0 then count = count + 1 end
        moved = true
    end
    if fits == quantity then
        drop(theirs, sku)
    else
        redis.call('HSET', theirs, 'q:' .. sku, quantity - fits)
        for _, part in ipairs({sku, why, quantity - fits}) do table.insert(left, part) end
    end
end
if moved then touch(mine, lifetime) end
if #left == 0 then
    redis.call('DEL', theirs)
elseif moved then
    touch(theirs, guest_lifetime)
end
redis.call('SET', merged, '1', 'EX', 2592000)
if marker then redis.call('SET', marker, fingerprint, 'EX', 86400) end
return {seen and 'replayed' or 'ok', redis.call('HGETALL', mine), left}
"""
)
"""Move a guest's units into a user's cart. A unit is in one of the two at any time, so that a repetition finds nothing
to move; what does not fit stays with the guest, and is answered as SKU, why and units, one after the other.

Keys: the user's cart, the guest's, what remembers for 30 days that the two met, and the marker of an Idempotency-Key
where there is one. The two carts are in two slots: this runs on one Redis, not on a cluster.
"""
