-- Removes expired conversations from the statistics.
--
-- KEYS  1 live, 2 lengths, 3 total
-- ARGV  1 maximum of conversations to remove
-- Returns {removed, live conversations, messages in them, whether more have expired (0 or 1)}.
-- @include now
-- @include drop
local overdue = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, session in ipairs(overdue) do drop(session) end
local more = #overdue == tonumber(ARGV[1]) and redis.call('ZCOUNT', KEYS[1], '-inf', now) > 0
return {#overdue, redis.call('ZCARD', KEYS[1]), tonumber(redis.call('GET', KEYS[3]) or '0') or 0, more and 1 or 0}
