-- `list(meta, place, member, expiry, ttl)`, needs `now`: adds a conversation to the index of its place, and returns until when (ms).
-- The entry and the meta key live up to an hour longer than the conversation, so that not every turn has to renew them. Expiries are
-- only ever extended, so neither ends before the conversation.
local function list(meta, place, member, expiry, ttl)
  local listed = expiry + math.min(ttl, 3600) * 1000
  local at = string.format('%.0f', listed)
  local added = redis.pcall('ZADD', place, 'GT', at, member)
  if type(added) == 'table' then
    redis.call('DEL', place)
    redis.call('ZADD', place, at, member)
  elseif added == 1 then
    redis.call('ZREMRANGEBYSCORE', place, '-inf', now)
  end
  for _, key in ipairs({meta, place}) do
    redis.call('PEXPIREAT', key, at, 'NX')
    redis.call('PEXPIREAT', key, at, 'GT')
  end
  return listed
end
