"""The Lua script of a search: hits, total and facets of one instant, in one round trip.

It answers [word, …]: `absent` when there is no index or it is still being loaded, `synonyms` with their version and
their table when the query was widened by another one, or `found` with the total, the bodies, the mark of the last of
them (empty on the last page), and the facets as JSON.

Ordering reads all that it is given. Where much is found, it is given a window instead: up to the number that, by a
random sample of the whole index, leaves enough for the page, and more until it does. The sample decides how much is
read, not what is answered. Numbers ascend in every order: the newest and the dearest come first by the negative of
theirs. No search is asked to sort in dialect 4, which ends early and would need no window: it reads past the end of
an empty list and takes Redis with it (RediSearch 2.10.5).
"""

_READY = """
local plan = cjson.decode(ARGV[1])
local function word_of(reply) return type(reply) == 'table' and reply.ok or reply end
local function is_loading()
    local info = redis.call('FT.INFO', plan.index)
    for at = 1, #info, 2 do
        if word_of(info[at]) == 'indexing' then return tonumber(word_of(info[at + 1])) ~= 0 end
    end
end
local live = redis.call('GET', plan.live)
if not live or is_loading() then return {'absent'} end
"""

SEARCH = (
    _READY
    + """
local state = plan.state .. live
local xid, id, synonyms = unpack(redis.call('HMGET', state, 'xid', 'id', 'synonyms_version'))
if not synonyms then return {'absent'} end
if synonyms ~= plan.synonyms then return {'synonyms', synonyms, redis.call('HGET', state, 'synonyms')} end

local function ask(command, query, ...)
    local words = {command, plan.index, query == '' and '*' or query, 'VERBATIM'}
    for _, word in ipairs({...}) do words[#words + 1] = word end
    if #plan.params > 0 then
        words[#words + 1] = 'PARAMS'
        words[#words + 1] = #plan.params
        for _, word in ipairs(plan.params) do words[#words + 1] = word end
    end
    words[#words + 1] = 'TIMEOUT'
    words[#words + 1] = '0'
    return redis.call(unpack(words))
end

local function field(reply, name)
    for at = 1, #reply, 2 do if reply[at] == name then return reply[at + 1] end end
end

local function within(match, low, high)
    return match .. ' @' .. plan.number .. ':[' .. low .. ' ' .. high .. ']'
end

local hits = {}
local function take(tier, query, filter)
    local words = filter and {'FILTER', filter} or {}
    for _, word in ipairs({'SORTBY', '4', '@' .. plan.number, 'ASC', '@' .. plan.key, plan.keys,
        'MAX', plan.want - #hits, 'LOAD', '1', '@__key', 'DIALECT', '2'}) do words[#words + 1] = word end
    local rows = ask('FT.AGGREGATE', query, unpack(words))
    for at = 2, #rows do hits[#hits + 1] = {tier, field(rows[at], '__key')} end
end

local counted = {}
local function count(query)
    if not counted[query] then
        counted[query] = ask('FT.SEARCH', query, 'LIMIT', '0', '0', 'DIALECT', '2')[1]
    end
    return counted[query]
end

local totals = state .. ':totals:' .. plan.fingerprint
local position = xid .. ':' .. id .. ':' .. synonyms
if redis.call('HGET', totals, 'position') ~= position then
    redis.call('DEL', totals)
    redis.call('HSET', totals, 'position', position)
end
redis.call('EXPIRE', totals, plan.keep_facets)

-- The same until the position moves: counting reads all that is found.
local function count_once(query)
    local kept = tonumber(redis.call('HGET', totals, query))
    if not kept then
        kept = count(query)
        redis.call('HSET', totals, query, kept)
    end
    return kept
end

local function sample()
    local key = state .. ':sample:' .. plan.number
    local kept = redis.call('GET', key)
    if kept then return cjson.decode(kept) end
    local rows = ask('FT.AGGREGATE', '*', 'GROUPBY', '0', 'REDUCE', 'RANDOM_SAMPLE', '2', '@' .. plan.number,
        plan.sampled, 'AS', 'sample', 'DIALECT', '2')
    local numbers = {}
    for at, number in ipairs(rows[2] and field(rows[2], 'sample') or {}) do numbers[at] = tonumber(number) end
    table.sort(numbers)
    redis.call('SET', key, cjson.encode(numbers), 'EX', plan.keep_sample)
    return numbers
end

local function narrowed(match, beyond)
    local low = beyond and '(' .. beyond or '-inf'
    local whole = beyond and within(match, low, '+inf') or match
    local matching = count_once(match)
    if matching <= plan.few then return whole end
    local numbers, first, need = sample(), 1, plan.want - #hits
    while beyond and numbers[first] and numbers[first] <= tonumber(beyond) do first = first + 1 end
    local reach = math.ceil(need * #numbers / matching) + 1
    while numbers[first + reach] do
        local window = within(match, low, string.format('%.0f', numbers[first + reach]))
        if count(window) >= need then return window end
        reach = reach * 4
    end
    return whole
end

local function read(tier, match, beyond) take(tier, narrowed(match, beyond)) end

for at, match in ipairs(plan.tiers) do
    local tier = at - 1
    if #hits < plan.want and (not plan.after or tier >= plan.after.tier) then
        if plan.after and tier == plan.after.tier then
            local number = plan.after.number
            local than = plan.keys == 'DESC' and ' < ' or ' > '
            take(tier, within(match, number, number), '@' .. plan.key .. than .. '"' .. plan.after.key .. '"')
            if #hits < plan.want then read(tier, match, number) end
        else
            read(tier, match)
        end
    end
end

local bodies, mark = {}, {}
for at = 1, math.min(#hits, plan.want - 1) do
    bodies[at] = redis.call('HGET', hits[at][2], 'body') or ''
end
if #hits == plan.want then
    local tier, key = unpack(hits[plan.want - 1])
    local number, name = unpack(redis.call('HMGET', key, plan.number, plan.key))
    mark = {tier, number, name}
end

local total = count_once(plan.all)
local facets = ''
if plan.facets then
    local cache = state .. ':facets:' .. plan.fingerprint
    local now = tonumber(redis.call('TIME')[1])
    local made_at, made, kept = unpack(redis.call('HMGET', cache, 'position', 'at', 'counts'))
    if made_at == position or (made and total > plan.many and now - tonumber(made) < plan.patience) then
        facets = kept
    else
        local counts = {}
        local rows = ask('FT.AGGREGATE', plan.all, 'APPLY', 'split(@facets, "\\31")', 'AS', 'value',
            'GROUPBY', '1', '@value', 'REDUCE', 'COUNT', '0', 'AS', 'count',
            'SORTBY', '4', '@count', 'DESC', '@value', 'ASC', 'MAX', plan.most_facets, 'DIALECT', '2')
        for at = 2, #rows do
            counts[#counts + 1] = {field(rows[at], 'value'), tonumber(field(rows[at], 'count'))}
        end
        facets = #counts > 0 and cjson.encode(counts) or '[]'
        redis.call('HSET', cache, 'position', position, 'at', now, 'counts', facets)
        redis.call('EXPIRE', cache, plan.keep_facets)
    end
end
return {'found', total, bodies, mark, facets}
"""
)

SUGGEST = (
    _READY
    + """
local words = {'FT.SEARCH', plan.index, plan.query, 'RETURN', '2', 'title', 'slug', 'SORTBY', 'name_number', 'ASC',
    'LIMIT', '0', plan.want, 'PARAMS', #plan.params}
for _, word in ipairs(plan.params) do words[#words + 1] = word end
for _, word in ipairs({'TIMEOUT', '0', 'DIALECT', '2'}) do words[#words + 1] = word end
local found, suggestions = redis.call(unpack(words)), {}
for at = 3, #found, 2 do
    local row = {}
    for column = 1, #found[at], 2 do row[found[at][column]] = found[at][column + 1] end
    suggestions[#suggestions + 1] = {row.title, row.slug}
end
return {'found', suggestions}
"""
)
