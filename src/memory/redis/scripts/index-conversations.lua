-- Updates the statistics of conversations.
--
-- KEYS  1 live, 2 lengths, 3 total, 4 today
-- ARGV  1 retention of a day's figures (s), 2 turns and 3 tokens to count, then for each conversation: session id, expiry (Unix ms),
--       messages
-- @include now
-- @include drop
local ids, scores, lengths = {}, {}, {}
for i = 4, #ARGV, 3 do
  local session, expiry, messages = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if tonumber(expiry) <= now or messages == '0' then
    drop(session)
  else
    local n = #ids + 1
    ids[n] = session
    scores[2 * n - 1], scores[2 * n] = expiry, session
    lengths[2 * n - 1], lengths[2 * n] = session, messages
  end
end
local added = 0
if #ids > 0 then
  for i, before in ipairs(redis.call('HMGET', KEYS[2], unpack(ids))) do
    added = added + lengths[2 * i] - (tonumber(before or '0') or 0)
  end
  redis.call('ZADD', KEYS[1], unpack(scores))
  redis.call('HSET', KEYS[2], unpack(lengths))
end
if added ~= 0 then addToTotal(added) end
if ARGV[2] ~= '0' then
  if redis.call('HINCRBY', KEYS[4], 'turns', ARGV[2]) == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[4], ARGV[1]) end
  redis.call('HINCRBY', KEYS[4], 'tokens', ARGV[3])
end
