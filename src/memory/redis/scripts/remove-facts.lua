-- Removes facts.
--
-- KEYS  1 base conversation, 2 facts
-- ARGV  1 id of a fact, or '' for all
-- Returns {facts removed, proposals removed}.
-- @include now
-- @include facts
local base, index, id = KEYS[1], KEYS[2], ARGV[1]
local kept, proposed = 0, 0
local listed = redis.pcall('ZRANGE', index, 0, -1, 'WITHSCORES')
for i = 1, listed.err and 0 or #listed, 2 do
  local own = string.match(listed[i], '([^:]*)$')
  if id == '' or own == id then
    redis.call('DEL', base .. ':fact:' .. own)
    redis.call('ZREM', index, listed[i])
    if tonumber(listed[i + 1]) > now then
      if own == listed[i] then kept = kept + 1 else proposed = proposed + 1 end
    end
  end
end
if id == '' then redis.call('DEL', index) end
return {kept, proposed}
