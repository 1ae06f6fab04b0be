-- Sets or removes a TTL override, and applies it to the conversation.
--
-- KEYS  1 conversation, 2 meta, 3 ttl override, 4 ttl override of the place, 5 place index, 6 people
-- ARGV  1 seconds or '' (removes the override), 2 remember ('1' or ''), 3 default ttl (s), 4 retention of an override (s),
--       5 member of the place index, 6 owner of the conversation, or '', 7 '1': only if it has no override of its own,
--       8 max ttl (s)
-- Returns {override or '', milliseconds left (-2: no conversation; -1: it has its own override), expiry (ms) if there is one, messages}
--         | {'unlisted', ms}
-- @include now
-- @include choice
-- @include listing
-- @include listed
-- @include said
local seconds, remember = tonumber(ARGV[1]), ARGV[2] ~= ''
local chosen = choiceOf(redis.call('GET', KEYS[3]))
if ARGV[7] == '1' and chosen then return {ARGV[1], -1, 0, 0} end
if remember then chosen = seconds end
local choice = chosen or (KEYS[3] ~= KEYS[4] and choiceOf(redis.call('GET', KEYS[4])) or nil)
local ttl = seconds or choice or tonumber(ARGV[3])
local newest = redis.call('LINDEX', KEYS[1], -1)
-- The conversation expires with its newest turn.
local expiry = math.min(now + ttl * 1000, (newest and said(newest) or now) + ARGV[8] * 1000)
local kept = seconds and remember and math.max(tonumber(ARGV[4]), 2 * seconds)
local who = kept and ARGV[6] ~= '' and ARGV[6] or nil
local needed = redis.call('EXISTS', KEYS[1]) == 1 and expiry or 0
if who then needed = math.max(needed, now + kept * 1000) end
local short = needed > 0 and unlisted(KEYS[1], KEYS[6], needed, who)
if short then return short end
if kept then redis.call('SET', KEYS[3], ARGV[1], 'EX', kept) elseif remember then redis.call('DEL', KEYS[3]) end
if redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expiry)) == 1 then
  redis.call('PEXPIREAT', KEYS[1] .. ':sources', string.format('%.0f', expiry))
  list(KEYS[2], KEYS[5], ARGV[5], expiry, ttl)
end
return {choice and string.format('%d', choice) or '', redis.call('PTTL', KEYS[1]), expiry, redis.call('LLEN', KEYS[1])}
