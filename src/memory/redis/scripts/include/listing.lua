-- `list(meta, place, member, expiry, ttl)`, behind NOW: lists a conversation at its place, and gives until when (ms). That is
-- up to an hour longer than it lives, and so does its meta, so that not each turn has to renew them; a later one only makes
-- it more, so neither ends before the conversation.
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
